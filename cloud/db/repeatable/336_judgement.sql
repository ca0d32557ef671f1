-- Adjusted forecasts, held by the database whoever writes: an adjustment counts only with an approved decision on it.
CREATE OR REPLACE FUNCTION forecast_override_guard() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    IF OLD.applied_at IS NOT NULL AND NEW.applied_at IS DISTINCT FROM OLD.applied_at
        OR OLD.ended_at IS NOT NULL AND NEW.ended_at IS DISTINCT FROM OLD.ended_at
        OR OLD.decision_id IS NOT NULL AND NEW.decision_id IS DISTINCT FROM OLD.decision_id THEN
        RAISE EXCEPTION 'override % stays as it is: it was decided, applied or ended already', OLD.override_id
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.applied_at IS NULL AND NEW.applied_at IS NOT NULL AND NOT EXISTS (
        SELECT FROM decision d
        WHERE d.decision_id = NEW.decision_id AND d.kind = 'forecast_override' AND d.state = 'approved') THEN
        RAISE EXCEPTION 'override % has no approved decision', OLD.override_id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE OR REPLACE TRIGGER guard BEFORE UPDATE ON forecast_override
    FOR EACH ROW EXECUTE FUNCTION forecast_override_guard();
