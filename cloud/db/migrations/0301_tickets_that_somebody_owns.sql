-- A ticket has an owner, a time by which it is due and a state; what was done with it stays, and goes out by webhook.
ALTER TABLE ticket
    ADD COLUMN state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'acknowledged', 'resolved')),
    ADD COLUMN owner text,
    ADD COLUMN due_at timestamptz,
    ADD COLUMN escalated_at timestamptz,
    ADD COLUMN acknowledged_at timestamptz,
    ADD COLUMN acknowledged_by text,
    ADD COLUMN resolved_by text,
    ADD COLUMN close_reason text CHECK (close_reason ~ '^[a-z][a-z0-9_]{0,63}$'),
    ADD COLUMN note text NOT NULL DEFAULT '';
UPDATE ticket SET state = 'resolved' WHERE resolved_at IS NOT NULL;
ALTER TABLE ticket ADD CONSTRAINT ticket_resolved CHECK ((state = 'resolved') = (resolved_at IS NOT NULL));
COMMENT ON COLUMN ticket.close_reason IS 'Why a person closed it; NULL: it was right again by itself';
CREATE INDEX ticket_due ON ticket (due_at) WHERE resolved_at IS NULL;

CREATE TABLE ticket_step (
    ticket_id bigint NOT NULL REFERENCES ticket,
    step      integer NOT NULL CHECK (step > 0),
    action    text NOT NULL
        CHECK (action IN ('opened', 'worsened', 'acknowledged', 'assigned', 'escalated', 'resolved', 'closed')),
    actor     text NOT NULL,
    detail    jsonb NOT NULL DEFAULT '{}',
    taken_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    audit_id  bigint,
    PRIMARY KEY (ticket_id, step)
);
COMMENT ON COLUMN ticket_step.audit_id IS 'Of steps that a person took';
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON ticket_step
    FOR EACH ROW EXECUTE FUNCTION refuse_rewrite();
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON ticket_step
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewrite();
GRANT SELECT ON ticket_step TO dockledger_app, dockledger_auditor, dockledger_planner;

-- Whom we tell what happens, as signed webhooks. The secret signs; it is not a password and cannot be a hash.
CREATE TABLE webhook_subscription (
    subscription_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name             text NOT NULL UNIQUE CHECK (name ~ '^[a-z0-9][a-z0-9._-]{0,63}$'),
    site_id          text REFERENCES site,
    url              text NOT NULL CHECK (url ~ '^https?://' AND length(url) <= 2000),
    events           text[] NOT NULL CHECK (cardinality(events) > 0),
    secret           text NOT NULL CHECK (secret ~ '^whsec_[A-Za-z0-9+/]+=*$'),
    old_secret       text,
    old_secret_until timestamptz,
    is_active        boolean NOT NULL DEFAULT true,
    stopped_because  text,
    created_by       text NOT NULL,
    created_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    removed_at       timestamptz
);
COMMENT ON COLUMN webhook_subscription.site_id IS 'NULL: of every site and of the network';
COMMENT ON COLUMN webhook_subscription.events IS 'ticket.opened, ticket.*, or * for everything';

CREATE TABLE webhook_event (
    event_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    type        text NOT NULL CHECK (type ~ '^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$'),
    site_id     text,
    occurred_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    data        jsonb NOT NULL
);

CREATE TABLE webhook_delivery (
    event_id        bigint NOT NULL REFERENCES webhook_event,
    subscription_id bigint NOT NULL REFERENCES webhook_subscription,
    state           text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'delivered', 'dead')),
    attempts        integer NOT NULL DEFAULT 0,
    due_at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_at         timestamptz,
    last_status     integer,
    last_error      text,
    PRIMARY KEY (event_id, subscription_id)
);
CREATE INDEX webhook_delivery_due ON webhook_delivery (due_at) WHERE state = 'pending';
CREATE INDEX webhook_delivery_subscription ON webhook_delivery (subscription_id, event_id);

GRANT SELECT, INSERT, UPDATE ON webhook_subscription TO dockledger_app;
GRANT SELECT ON webhook_event TO dockledger_app;
GRANT SELECT, UPDATE ON webhook_delivery TO dockledger_app;
GRANT SELECT (subscription_id, name, site_id, url, events, is_active, stopped_because, created_by, created_at, removed_at)
    ON webhook_subscription TO dockledger_auditor;
GRANT SELECT ON webhook_event, webhook_delivery TO dockledger_auditor;
