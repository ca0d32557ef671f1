-- Whether people work with handhelds at a gateway: whether it said last that it has rules for their work.
CREATE OR REPLACE FUNCTION has_handhelds(of_gateway integer) RETURNS boolean
    LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT coalesce((
        SELECT jsonb_typeof(r.settings -> 'workflow') = 'object' FROM gateway_config_report r
        WHERE r.gateway_id = of_gateway ORDER BY r.report_id DESC LIMIT 1), false)
$$;

-- Messages that newer of their channel have taken the place of, if both were published: the broker retains the newest alone, which stays
-- here for whoever asks over HTTPS and for the revision that the next must exceed, as does whatever is still to be published. What is
-- asked for inside acknowledgements has no revision; wishes for a gateway's configuration are its history.
DROP FUNCTION IF EXISTS forget_superseded_references(integer);
CREATE OR REPLACE FUNCTION forget_superseded_messages() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    DELETE FROM gateway_message m
    WHERE m.gateway_id = new.gateway_id AND m.channel = new.channel AND m.published_at IS NOT NULL
        AND m.revision < (SELECT max(n.revision) FROM gateway_message n
            WHERE n.gateway_id = new.gateway_id AND n.channel = new.channel AND n.published_at IS NOT NULL);
    RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER takes_the_place_of_older AFTER INSERT ON gateway_message
    FOR EACH ROW WHEN (new.channel IN ('reference', 'assignment', 'task', 'certificate')) EXECUTE FUNCTION forget_superseded_messages();

REVOKE ALL ON FUNCTION has_handhelds(integer), forget_superseded_messages() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION has_handhelds(integer) TO dockledger_app;
