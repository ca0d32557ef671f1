-- What verification writes of rows, so that it can be compared with sealed bytes as texts.

-- An instant as our own gateways write it: UTC, microseconds only where there are any.
CREATE OR REPLACE FUNCTION instant_text(at timestamptz) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN to_char(at AT TIME ZONE 'UTC', CASE WHEN date_trunc('second', at AT TIME ZONE 'UTC') = at AT TIME ZONE 'UTC'
        THEN 'YYYY-MM-DD"T"HH24:MI:SS"Z"' ELSE 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"' END);
