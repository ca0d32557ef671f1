-- Who a person is under whatever name they act: in a session, or by an API key that acts for them.

CREATE OR REPLACE FUNCTION person_of(of_actor text) RETURNS text
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce(
        (SELECT 'user:' || k.person FROM api_key_person k WHERE of_actor LIKE 'key:%' AND k.name = substr(of_actor, 5)),
        of_actor)
$$;

-- The persons behind an author and contributors, each once.
CREATE OR REPLACE FUNCTION persons_of(of_actors text[]) RETURNS text[]
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT coalesce(array_agg(DISTINCT person_of(a) ORDER BY person_of(a)), '{}') FROM unnest(of_actors) a
$$;

-- Every name under which a person acts.
CREATE OR REPLACE FUNCTION actors_of(of_person text) RETURNS text[]
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT ARRAY[of_person] || ARRAY(
        SELECT 'key:' || k.name FROM api_key_person k WHERE of_person LIKE 'user:%' AND k.person = substr(of_person, 6)
        ORDER BY k.name)
$$;

REVOKE ALL ON FUNCTION person_of(text), persons_of(text[]), actors_of(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION person_of(text), persons_of(text[]), actors_of(text) TO dockledger_app, dockledger_auditor;
