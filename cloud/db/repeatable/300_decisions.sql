-- The rules of the approval machine, held by the database whoever writes: which step follows which, that an author
-- does not approve their own above what their role allows, that no step goes unrecorded.

-- What a role may approve of a kind at a site: the most particular row. `amount` NULL: whatever it is worth.
CREATE OR REPLACE FUNCTION approval_limit_for(
    of_site text, of_kind text, of_role text, of_currency text,
    OUT is_set boolean, OUT amount numeric, OUT self_amount numeric)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    found_one approval_limit;
BEGIN
    SELECT l.* INTO found_one FROM approval_limit l
    WHERE l.role = of_role AND (l.site_id IS NULL OR l.site_id = of_site) AND (l.kind IS NULL OR l.kind = of_kind)
    ORDER BY l.site_id IS NULL, l.kind IS NULL, l.currency IS DISTINCT FROM of_currency, l.limit_amount DESC NULLS FIRST
    LIMIT 1;
    is_set := found_one.limit_id IS NOT NULL;
    IF NOT is_set THEN
        amount := CASE WHEN of_role = 'approver' THEN NULL ELSE 0 END;
        self_amount := 0;
    ELSIF found_one.currency IS DISTINCT FROM of_currency THEN -- amounts of two currencies cannot be compared
        amount := CASE WHEN found_one.limit_amount IS NULL THEN NULL ELSE 0 END;
        self_amount := 0;
    ELSE
        amount := found_one.limit_amount;
        self_amount := found_one.self_limit;
    END IF;
END
$$;

-- What a person has approved of an item on the site's day of `at_instant`, other decisions than this one: the limits
-- are cumulative, so that neither splitting nor a key evades them. Approvals of one person for one item take turns from here on.
CREATE OR REPLACE FUNCTION approved_that_day(of_person text, of_decision bigint, at_instant timestamptz)
    RETURNS numeric LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    asked  decision;
    zone   text;
    total  numeric;
    person text := person_of(of_person);
BEGIN
    SELECT d.* INTO asked FROM decision d WHERE d.decision_id = of_decision;
    SELECT s.time_zone INTO zone FROM site s WHERE s.site_id = asked.site_id;
    PERFORM pg_advisory_xact_lock(
        hashtextextended(jsonb_build_array('approvals', person, asked.kind, asked.item)::text, 0));
    SELECT coalesce(sum(abs(a.value)), 0) INTO total FROM (
        SELECT DISTINCT ON (s.decision_id) s.value
        FROM decision_step s JOIN decision d ON d.decision_id = s.decision_id
        WHERE s.to_state = 'approved' AND s.actor = ANY (actors_of(person)) AND s.decision_id <> of_decision
            AND d.kind = asked.kind AND d.item IS NOT DISTINCT FROM asked.item
            AND s.currency IS NOT DISTINCT FROM asked.currency
            AND s.taken_at >= date_trunc('day', at_instant AT TIME ZONE zone) AT TIME ZONE zone
            AND s.taken_at < (date_trunc('day', at_instant AT TIME ZONE zone) + INTERVAL '1 day') AT TIME ZONE zone
        ORDER BY s.decision_id, s.step DESC) a;
    RETURN total;
END
$$;

CREATE OR REPLACE FUNCTION refuse_approval(d decision) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    allowed record;
    is_own  boolean := person_of(d.approver) = ANY (persons_of(d.author || d.contributors));
    room    numeric;
    spent   numeric;
BEGIN
    IF d.approver IS NULL OR d.approver IS DISTINCT FROM current_setting('dockledger.actor', true) THEN
        RAISE EXCEPTION 'decision % is approved by %, expected the one who acts, %', d.decision_id,
            coalesce(d.approver, 'nobody'), coalesce(nullif(current_setting('dockledger.actor', true), ''), 'nobody')
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF d.approver LIKE 'job:%' THEN
        RAISE EXCEPTION 'decision % is approved by %: a job approves nothing', d.decision_id, d.approver
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF d.approver LIKE 'key:%' AND person_of(d.approver) = d.approver THEN
        RAISE EXCEPTION 'decision % is approved by %: a key that acts for nobody approves nothing', d.decision_id, d.approver
            USING ERRCODE = 'restrict_violation';
    END IF;
    SELECT * INTO allowed FROM approval_limit_for(d.site_id, d.kind, d.approved_as, d.currency);
    room := CASE WHEN is_own THEN allowed.self_amount ELSE allowed.amount END;
    IF room IS NULL THEN
        RETURN;
    END IF;
    spent := approved_that_day(d.approver, d.decision_id, clock_timestamp());
    IF room = 0 OR d.value IS NULL OR spent + abs(d.value) > room THEN
        RAISE EXCEPTION 'decision %: % may not approve % as % (worth %, approved for the same item that day %, limit %)',
            d.decision_id, d.approver, CASE WHEN is_own THEN 'their own' ELSE 'it' END, coalesce(d.approved_as, 'nothing'),
            coalesce(d.value::text, 'unknown'), spent, room USING ERRCODE = 'restrict_violation';
    END IF;
END
$$;

-- Whoever writes what a decision says answers for it, so that nobody words it under another name and approves it then.
CREATE OR REPLACE FUNCTION refuse_disowned(d decision) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    who text := coalesce(current_setting('dockledger.actor', true), '');
BEGIN
    IF who = '' OR (who NOT LIKE 'job:%' AND who <> d.author AND who <> ALL (d.contributors)) THEN
        RAISE EXCEPTION 'decision on %: % writes it, expected its author, a contributor or a job', d.subject,
            coalesce(nullif(who, ''), 'nobody') USING ERRCODE = 'restrict_violation';
    END IF;
END
$$;

-- Before a row is stored: is this step one of the machine's, and does it change only what that step may change?
CREATE OR REPLACE FUNCTION guard_decision() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    moment     timestamptz := clock_timestamp();
    transition text;
    content    text[] := ARRAY['contributors', 'reason', 'note', 'value', 'currency', 'evidence', 'inputs', 'parameters', 'effect'];
    verdict    text[] := ARRAY['state', 'verdict_reason', 'verdict_note'];
    may_change text[];
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state <> 'draft' OR NEW.revision <> 1 OR NEW.approver IS NOT NULL OR NEW.outcome IS NOT NULL THEN
            RAISE EXCEPTION 'a decision begins as a draft of revision 1, not as % of revision %', NEW.state, NEW.revision
                USING ERRCODE = 'restrict_violation';
        END IF;
        PERFORM refuse_disowned(NEW);
        NEW.created_at := moment;
        NEW.submitted_at := NULL;
        NEW.decided_at := NULL;
        NEW.applied_at := NULL;
        NEW.reversed_at := NULL;
        RETURN NEW;
    END IF;
    transition := OLD.state || ' to ' || NEW.state;
    may_change := CASE
        WHEN transition = 'draft to submitted' THEN verdict
        WHEN transition IN ('draft to draft', 'submitted to submitted', 'approved to submitted', 'applied to submitted')
            THEN verdict || content || ARRAY['revision', 'approver', 'approved_as']
        WHEN transition IN ('submitted to approved', 'submitted to rejected', 'draft to rejected')
            THEN verdict || ARRAY['approver', 'approved_as']
        WHEN transition IN ('approved to applied', 'applied to reversed') THEN verdict || ARRAY['outcome']
    END;
    IF may_change IS NULL THEN
        RAISE EXCEPTION 'decision % cannot go from %', OLD.decision_id, transition USING ERRCODE = 'restrict_violation';
    END IF;
    may_change := may_change || ARRAY['submitted_at', 'decided_at', 'applied_at', 'reversed_at'];
    IF to_jsonb(NEW) - may_change <> to_jsonb(OLD) - may_change THEN
        RAISE EXCEPTION 'decision %: the step from % may not change what it says', OLD.decision_id, transition
            USING ERRCODE = 'restrict_violation';
    END IF;
    NEW.submitted_at := OLD.submitted_at;
    NEW.decided_at := OLD.decided_at;
    NEW.applied_at := OLD.applied_at;
    NEW.reversed_at := OLD.reversed_at;
    IF 'revision' = ANY (may_change) THEN
        IF NEW.revision <> OLD.revision + 1 THEN
            RAISE EXCEPTION 'decision %: changed content is revision %, not %', OLD.decision_id, OLD.revision + 1, NEW.revision
                USING ERRCODE = 'restrict_violation';
        END IF;
        IF NOT OLD.contributors <@ NEW.contributors THEN
            RAISE EXCEPTION 'decision %: who contributed to it stays named', OLD.decision_id
                USING ERRCODE = 'restrict_violation';
        END IF;
        PERFORM refuse_disowned(NEW);
        NEW.approver := NULL;
        NEW.approved_as := NULL;
        NEW.decided_at := NULL;
        NEW.applied_at := NULL;
    END IF;
    IF NEW.state IN ('rejected', 'reversed') AND NEW.verdict_reason IS NULL THEN
        RAISE EXCEPTION 'decision %: going from % needs a reason', OLD.decision_id, transition
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.state = 'rejected' AND NEW.approver IS NULL THEN
        RAISE EXCEPTION 'decision % is rejected by nobody', OLD.decision_id USING ERRCODE = 'restrict_violation';
    END IF;
    CASE NEW.state
        WHEN 'submitted' THEN NEW.submitted_at := moment;
        WHEN 'approved' THEN
            PERFORM refuse_approval(NEW);
            NEW.decided_at := moment;
        WHEN 'rejected' THEN NEW.decided_at := moment;
        WHEN 'applied' THEN NEW.applied_at := moment;
        WHEN 'reversed' THEN NEW.reversed_at := moment;
        ELSE NULL;
    END CASE;
    RETURN NEW;
END
$$;

-- After it: the step in the decision's own history and in the audit chain.
CREATE OR REPLACE FUNCTION record_decision_step() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    who  text := coalesce(nullif(current_setting('dockledger.actor', true), ''), 'database:' || session_user);
    said jsonb;
    what text;
    one  decision_step;
BEGIN
    said := CASE
        WHEN TG_OP = 'INSERT' OR NEW.revision > OLD.revision THEN jsonb_build_object('effect', NEW.effect,
            'evidence', NEW.evidence, 'inputs', NEW.inputs, 'parameters', NEW.parameters)
        WHEN NEW.state IN ('applied', 'reversed') THEN jsonb_build_object('outcome', NEW.outcome)
        ELSE '{}'
    END;
    what := CASE
        WHEN TG_OP = 'INSERT' THEN 'drafted'
        WHEN NEW.revision > OLD.revision THEN 'revised'
        ELSE NEW.state
    END;
    one.decision_id := NEW.decision_id;
    one.step := coalesce((SELECT max(s.step) FROM decision_step s WHERE s.decision_id = NEW.decision_id), 0) + 1;
    one.site_id := NEW.site_id;
    one.from_state := CASE WHEN TG_OP = 'UPDATE' THEN OLD.state END;
    one.to_state := NEW.state;
    one.revision := NEW.revision;
    one.actor := who;
    one.acting_as := CASE WHEN NEW.state = 'approved' THEN NEW.approved_as END;
    one.reason := CASE WHEN what = 'drafted' THEN NEW.reason ELSE NEW.verdict_reason END;
    one.note := CASE WHEN what = 'drafted' THEN NEW.note ELSE NEW.verdict_note END;
    one.value := NEW.value;
    one.currency := NEW.currency;
    one.detail := said;
    one.taken_at := clock_timestamp();
    one.audit_id := record_audit(who, 'decision_' || what, 'decision:' || NEW.decision_id, NEW.site_id, NULL,
        jsonb_build_object('kind', NEW.kind, 'subject', NEW.subject, 'step', one.step, 'revision', NEW.revision,
            'from_state', one.from_state, 'to_state', NEW.state, 'author', NEW.author, 'value', NEW.value::text,
            'currency', NEW.currency, 'reason', one.reason, 'note', one.note, 'acting_as', one.acting_as,
            'content_sha256', encode(sha256(convert_to(said::text, 'UTF8')), 'hex')));
    INSERT INTO decision_step SELECT one.*;
    RETURN NULL;
END
$$;

CREATE OR REPLACE TRIGGER guarded BEFORE INSERT OR UPDATE ON decision
    FOR EACH ROW EXECUTE FUNCTION guard_decision();
CREATE OR REPLACE TRIGGER recorded AFTER INSERT OR UPDATE ON decision
    FOR EACH ROW EXECUTE FUNCTION record_decision_step();

-- Who changes what may be approved is told in the audit chain too.
CREATE OR REPLACE FUNCTION record_approval_limit() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    which approval_limit := CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
BEGIN
    PERFORM record_audit(
        coalesce(nullif(current_setting('dockledger.actor', true), ''), 'database:' || session_user),
        CASE WHEN TG_OP = 'DELETE' THEN 'approval_limit_removed' ELSE 'approval_limit_set' END,
        'approval_limit:' || which.limit_id, which.site_id, NULL, jsonb_build_object('kind', which.kind,
            'role', which.role, 'currency', which.currency, 'self_limit', which.self_limit::text,
            'limit', which.limit_amount::text));
    RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER recorded AFTER INSERT OR UPDATE OR DELETE ON approval_limit
    FOR EACH ROW EXECUTE FUNCTION record_approval_limit();

REVOKE ALL ON FUNCTION approval_limit_for(text, text, text, text), approved_that_day(text, bigint, timestamptz),
    refuse_approval(decision), refuse_disowned(decision), guard_decision(), record_decision_step(),
    record_approval_limit() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION approval_limit_for(text, text, text, text), approved_that_day(text, bigint, timestamptz)
    TO dockledger_app;
