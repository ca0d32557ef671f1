-- Items that take another's place, held by the database whoever writes: only as an approved decision says, and as it says it.
CREATE OR REPLACE FUNCTION supersession_guard() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF OLD.ended_at IS NOT NULL OR (NEW.site_id, NEW.from_item, NEW.to_item, NEW.from_day, NEW.factor, NEW.decision_id)
            IS DISTINCT FROM (OLD.site_id, OLD.from_item, OLD.to_item, OLD.from_day, OLD.factor, OLD.decision_id) THEN
            RAISE EXCEPTION 'supersession % stays as it was approved: it ends once', OLD.supersession_id
                USING ERRCODE = 'restrict_violation';
        END IF;
    ELSIF NOT EXISTS (
        SELECT FROM decision d
        JOIN item a ON a.item_id = NEW.from_item
        JOIN item b ON b.item_id = NEW.to_item
        WHERE d.decision_id = NEW.decision_id AND d.kind = 'supersession' AND d.state = 'approved' AND d.site_id = NEW.site_id
            AND d.effect ->> 'from_item' = a.code AND d.effect ->> 'to_item' = b.code
            AND (d.effect ->> 'from_day')::date = NEW.from_day AND round((d.effect ->> 'factor')::numeric, 6) = NEW.factor) THEN
        RAISE EXCEPTION 'supersession of item % by % has no approved decision that says so', NEW.from_item, NEW.to_item
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
REVOKE ALL ON FUNCTION supersession_guard() FROM PUBLIC;
CREATE OR REPLACE TRIGGER guard BEFORE INSERT OR UPDATE ON supersession
    FOR EACH ROW EXECUTE FUNCTION supersession_guard();
