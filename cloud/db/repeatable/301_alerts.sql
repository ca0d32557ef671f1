-- What happens to tickets and decisions, kept and told: to the ticket's own history, to the audit chain where a person
-- acted, and to everybody who subscribed.

-- Puts an event out for delivery to each subscription that asks for it; without one nothing is stored.
CREATE OR REPLACE FUNCTION announce(event_type text, event_site text, event_data jsonb) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    wanting bigint[];
    number  bigint;
BEGIN
    SELECT array_agg(s.subscription_id ORDER BY s.subscription_id) INTO wanting
    FROM webhook_subscription s
    WHERE s.is_active AND s.removed_at IS NULL AND (s.site_id IS NULL OR s.site_id = event_site)
        AND s.events && ARRAY['*', event_type, split_part(event_type, '.', 1) || '.*'];
    IF wanting IS NULL THEN
        RETURN;
    END IF;
    INSERT INTO webhook_event (type, site_id, data) VALUES (event_type, event_site, event_data)
    RETURNING event_id INTO number;
    INSERT INTO webhook_delivery (event_id, subscription_id) SELECT number, unnest(wanting);
END
$$;

CREATE OR REPLACE FUNCTION tell_ticket_step() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    who   text := coalesce(nullif(current_setting('dockledger.actor', true), ''), 'database:' || session_user);
    what  text;
    more  jsonb := '{}';
    audit bigint;
    place integer;
BEGIN
    what := CASE
        WHEN TG_OP = 'INSERT' THEN 'opened'
        WHEN NEW.state = 'resolved' AND NEW.close_reason IS NOT NULL THEN 'closed'
        WHEN NEW.state = 'resolved' THEN 'resolved'
        WHEN NEW.escalated_at IS DISTINCT FROM OLD.escalated_at THEN 'escalated'
        WHEN NEW.state = 'acknowledged' AND OLD.state = 'open' THEN 'acknowledged'
        WHEN NEW.severity <> OLD.severity THEN 'worsened'
        WHEN NEW.owner IS DISTINCT FROM OLD.owner OR NEW.due_at IS DISTINCT FROM OLD.due_at THEN 'assigned'
    END;
    IF what IS NULL THEN -- noticed once more
        RETURN NULL;
    END IF;
    more := jsonb_strip_nulls(jsonb_build_object('severity', NEW.severity, 'owner', NEW.owner, 'due_at', NEW.due_at,
        'reason', NEW.close_reason,
        'note', CASE WHEN what IN ('acknowledged', 'assigned', 'closed') THEN nullif(NEW.note, '') END));
    IF what IN ('acknowledged', 'assigned', 'closed') THEN
        audit := record_audit(who, 'ticket_' || what, 'ticket:' || NEW.ticket_id, NEW.site_id, NULL,
            more || jsonb_build_object('kind', NEW.kind, 'dedup_key', NEW.dedup_key));
    END IF;
    SELECT coalesce(max(s.step), 0) + 1 INTO place FROM ticket_step s WHERE s.ticket_id = NEW.ticket_id;
    INSERT INTO ticket_step (ticket_id, step, action, actor, detail, audit_id)
    VALUES (NEW.ticket_id, place, what, who, more, audit);
    PERFORM announce('ticket.' || what, NEW.site_id, jsonb_build_object('ticket_id', NEW.ticket_id,
        'dedup_key', NEW.dedup_key, 'kind', NEW.kind, 'severity', NEW.severity, 'site', NEW.site_id,
        'summary', NEW.summary, 'detail', NEW.detail, 'state', NEW.state, 'owner', NEW.owner, 'due_at', NEW.due_at,
        'opened_at', NEW.opened_at, 'occurrences', NEW.occurrences, 'actor', who, 'reason', NEW.close_reason));
    RETURN NULL;
END
$$;

-- A ticket that is over stays as it was; if it is wrong again, that is another ticket.
CREATE OR REPLACE FUNCTION guard_ticket() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF OLD.state = 'resolved' THEN
        RAISE EXCEPTION 'ticket % is resolved and stays as it is', OLD.ticket_id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;

CREATE OR REPLACE TRIGGER guarded BEFORE UPDATE ON ticket FOR EACH ROW EXECUTE FUNCTION guard_ticket();
CREATE OR REPLACE TRIGGER told AFTER INSERT OR UPDATE ON ticket FOR EACH ROW EXECUTE FUNCTION tell_ticket_step();

CREATE OR REPLACE FUNCTION tell_decision_step() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    about decision;
BEGIN
    SELECT d.* INTO about FROM decision d WHERE d.decision_id = NEW.decision_id;
    PERFORM announce(
        'decision.' || CASE
            WHEN NEW.step = 1 THEN 'drafted'
            WHEN NEW.reason = 'facts_changed' AND NEW.to_state IN ('draft', 'submitted') THEN 'revised'
            ELSE NEW.to_state END,
        NEW.site_id, jsonb_build_object('decision_id', NEW.decision_id, 'step', NEW.step, 'kind', about.kind,
            'site', NEW.site_id, 'subject', about.subject, 'item', about.item, 'from_state', NEW.from_state,
            'state', NEW.to_state, 'revision', NEW.revision, 'author', about.author, 'actor', NEW.actor,
            'value', NEW.value::text, 'currency', NEW.currency, 'effect', about.effect, 'reason', NEW.reason,
            'note', nullif(NEW.note, ''), 'outcome', about.outcome));
    RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER told AFTER INSERT ON decision_step FOR EACH ROW EXECUTE FUNCTION tell_decision_step();

-- An event for one subscription only, whatever it asks for: the test that somebody wants to see arrive.
CREATE OR REPLACE FUNCTION announce_to(of_subscription bigint, event_type text, event_data jsonb) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    number bigint;
BEGIN
    INSERT INTO webhook_event (type, site_id, data)
    SELECT event_type, s.site_id, event_data FROM webhook_subscription s WHERE s.subscription_id = of_subscription
    RETURNING event_id INTO number;
    INSERT INTO webhook_delivery (event_id, subscription_id) VALUES (number, of_subscription);
    RETURN number;
END
$$;

-- Forgets old events that wait for nobody any more, a bounded piece at a time; the steps they told of stay.
CREATE OR REPLACE FUNCTION forget_events(older_than timestamptz, at_most integer) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    old bigint[];
BEGIN
    SELECT array_agg(o.event_id) INTO old FROM (
        SELECT e.event_id FROM webhook_event e
        WHERE e.occurred_at < older_than AND NOT EXISTS (
            SELECT FROM webhook_delivery d WHERE d.event_id = e.event_id AND d.state = 'pending')
        ORDER BY e.occurred_at
        LIMIT at_most
        FOR UPDATE SKIP LOCKED) o;
    DELETE FROM webhook_delivery d WHERE d.event_id = ANY (old);
    DELETE FROM webhook_event e WHERE e.event_id = ANY (old);
    RETURN coalesce(cardinality(old), 0);
END
$$;

REVOKE ALL ON FUNCTION announce(text, text, jsonb), announce_to(bigint, text, jsonb), tell_ticket_step(),
    guard_ticket(), tell_decision_step(),
    forget_events(timestamptz, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION announce_to(bigint, text, jsonb), forget_events(timestamptz, integer) TO dockledger_app;
