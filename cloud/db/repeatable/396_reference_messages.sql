-- Whether people work with handhelds at a gateway: whether it said last that it has rules for their work.
CREATE OR REPLACE FUNCTION has_handhelds(of_gateway integer) RETURNS boolean
    LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT coalesce((
        SELECT jsonb_typeof(r.settings -> 'workflow') = 'object' FROM gateway_config_report r
        WHERE r.gateway_id = of_gateway ORDER BY r.report_id DESC LIMIT 1), false)
$$;

-- Reference data that newer has taken the place of, if both were published: the broker retains the newest alone, which stays
-- here for whoever asks over HTTPS, as does whatever is still to be published.
CREATE OR REPLACE FUNCTION forget_superseded_references(of_gateway integer) RETURNS bigint
    LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH forgotten AS (
        DELETE FROM gateway_message m USING gateway g
        WHERE m.gateway_id = of_gateway AND m.channel = 'reference' AND m.published_at IS NOT NULL
            AND g.gateway_id = of_gateway AND sees_site(g.site_id)
            AND m.revision < (SELECT max(n.revision) FROM gateway_message n
                WHERE n.gateway_id = of_gateway AND n.channel = 'reference' AND n.published_at IS NOT NULL)
        RETURNING 1
    )
    SELECT count(*) FROM forgotten
$$;

REVOKE ALL ON FUNCTION has_handhelds(integer), forget_superseded_references(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION has_handhelds(integer), forget_superseded_references(integer) TO dockledger_app;
