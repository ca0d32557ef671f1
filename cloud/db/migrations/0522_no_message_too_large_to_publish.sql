-- A message to a gateway must fit a publish (256 KiB, of which topic and properties take some): one that does not would
-- break the connection of whoever publishes it, again and again. Its writers bound it; this refuses what they overlooked.
-- Counted without the spaces that JSON in the database has after each colon and comma, and a publish has not.
CREATE FUNCTION refuse_oversized_message() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    most  CONSTANT integer := 262144;
    bytes integer := octet_length(new.payload::text);
BEGIN
    IF bytes > most THEN
        bytes := octet_length(regexp_replace(new.payload::text, '([:,]) ', '\1', 'g'));
    END IF;
    IF bytes > most THEN
        RAISE EXCEPTION 'message % of channel % for gateway % takes % bytes: expected at most %, a publish to a gateway',
            new.revision, new.channel, (SELECT g.name FROM gateway g WHERE g.gateway_id = new.gateway_id), bytes, most
            USING ERRCODE = 'string_data_right_truncation';
    END IF;
    RETURN new;
END
$$;
CREATE TRIGGER no_larger_than_a_publish BEFORE INSERT ON gateway_message
    FOR EACH ROW EXECUTE FUNCTION refuse_oversized_message();
