-- The first instant from a given one on at which something moved or was counted under one of these GTINs; NULL: none.
CREATE OR REPLACE FUNCTION used_since(of_items bigint[], gtins text[], since_at timestamptz) RETURNS timestamptz
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT min(u.occurred_at) FROM (
        SELECT m.occurred_at FROM movement m
        WHERE m.item_id = ANY (of_items) AND m.occurred_at >= since_at AND m.unit_seen = ANY (gtins)
        UNION ALL
        SELECT k.occurred_at FROM count_line k
        WHERE k.item_id = ANY (of_items) AND k.occurred_at >= since_at AND k.unit_seen = ANY (gtins)) u
$$;

-- Whether anything of these items was ever moved or counted.
CREATE OR REPLACE FUNCTION was_ever_used(of_items bigint[]) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT EXISTS (SELECT FROM movement m WHERE m.item_id = ANY (of_items))
        OR EXISTS (SELECT FROM cell c JOIN count_line k ON k.cell_id = c.cell_id WHERE c.item_id = ANY (of_items))
$$;

REVOKE ALL ON FUNCTION used_since(bigint[], text[], timestamptz), was_ever_used(bigint[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION used_since(bigint[], text[], timestamptz), was_ever_used(bigint[]) TO dockledger_app;
