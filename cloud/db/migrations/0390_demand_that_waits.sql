-- Demand that came and cannot be stored yet: a line of an outbound order whose item nobody has registered, a message that
-- says what cannot be read. It waits with its original bytes and the reason; what time may heal is tried again by itself.
-- Never deleted: what a person discards stays with the reason.
CREATE TABLE demand_held (
    held_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id     text NOT NULL,
    source      text NOT NULL,
    origin      text NOT NULL CHECK (origin IN ('order_line', 'message')),
    name        text NOT NULL CHECK (name <> ''),
    payload     bytea NOT NULL,
    reason      text NOT NULL CHECK (reason ~ '^[a-z_]+$'),
    message     text NOT NULL CHECK (message <> ''),
    held_at     timestamptz NOT NULL,
    due_at      timestamptz NOT NULL,
    tries       integer NOT NULL DEFAULT 0,
    state       text NOT NULL DEFAULT 'held' CHECK (state IN ('held', 'replayed', 'discarded')),
    settled_at  timestamptz,
    settled_by  text,
    settled_because text,
    UNIQUE (site_id, source, origin, name),
    CHECK ((state = 'held') = (settled_at IS NULL)),
    CHECK ((settled_at IS NULL) = (settled_by IS NULL))
);
COMMENT ON COLUMN demand_held.site_id IS 'As the sender names it; no site of ours need bear that name';
COMMENT ON COLUMN demand_held.name IS 'Of an order''s line: document and line apart by a slash; of a message: SHA-256 of its bytes';
COMMENT ON COLUMN demand_held.held_at IS 'By the database''s clock, as demand_line.recorded_at is';
COMMENT ON COLUMN demand_held.due_at IS 'When it is tried again; infinity: only if a person asks';
CREATE INDEX demand_held_due ON demand_held (due_at) WHERE state = 'held';
CREATE INDEX demand_held_source ON demand_held (site_id, source) WHERE state = 'held';

CREATE TRIGGER not_deleted BEFORE DELETE ON demand_held FOR EACH ROW EXECUTE FUNCTION refuse_rewrite();
CREATE TRIGGER not_truncated BEFORE TRUNCATE ON demand_held FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewrite();

GRANT SELECT, INSERT ON demand_held TO dockledger_app;
GRANT UPDATE (reason, message, held_at, due_at, tries, state, settled_at, settled_by, settled_because) ON demand_held
    TO dockledger_app;
GRANT SELECT ON demand_held TO dockledger_auditor, dockledger_planner;
ALTER TABLE demand_held ENABLE ROW LEVEL SECURITY;
CREATE POLICY by_site ON demand_held TO dockledger_app USING (sees_site(site_id)) WITH CHECK (sees_site(site_id));
CREATE POLICY everywhere ON demand_held TO dockledger_auditor, dockledger_planner USING (true);

-- A shop or an edge may also publish its lines at the broker.
ALTER TABLE demand_source DROP CONSTRAINT demand_source_kind_check, DROP CONSTRAINT demand_source_place_check;
ALTER TABLE demand_source
    ADD CONSTRAINT demand_source_kind_check CHECK (kind IN ('rest', 'drop', 'push', 'orders', 'mqtt')),
    ADD CONSTRAINT demand_source_place_check CHECK ((kind IN ('push', 'orders', 'mqtt')) = (address IS NULL));
DROP INDEX demand_source_due;
CREATE INDEX demand_source_due ON demand_source (due_at) WHERE state = 'active' AND kind NOT IN ('push', 'mqtt');
