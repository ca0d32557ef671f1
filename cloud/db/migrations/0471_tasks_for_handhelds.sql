-- Work for handhelds (PROTOCOL P10): waves release picks from claims, pick faces ask for replenishment. What became of a
-- line is what gateways' records say of it; nothing of that is typed here.
CREATE TABLE pick_face (
    site_id     text NOT NULL,
    location_id bigint NOT NULL REFERENCES location,
    item_id     bigint NOT NULL REFERENCES item,
    minimum     numeric(20, 6) NOT NULL CHECK (minimum >= 0),
    maximum     numeric(20, 6) NOT NULL CHECK (maximum > 0),
    set_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    set_by      text NOT NULL,
    PRIMARY KEY (location_id, item_id),
    CHECK (minimum <= maximum)
);
COMMENT ON TABLE pick_face IS 'Below the minimum a face is filled up to the maximum, in base units, from where goods lie in reserve';
CREATE INDEX pick_face_site ON pick_face (site_id, item_id);

CREATE TABLE wave (
    wave_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id     text NOT NULL REFERENCES site,
    gateway_id  integer NOT NULL REFERENCES gateway,
    to_location text NOT NULL,
    asked       jsonb NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_by  text NOT NULL
);
CREATE INDEX wave_site ON wave (site_id, wave_id DESC);

CREATE SEQUENCE task_number;

CREATE TABLE task (
    task          text PRIMARY KEY CHECK (task ~ '^[A-Za-z0-9_-]{1,64}$'),
    site_id       text NOT NULL REFERENCES site,
    gateway_id    integer NOT NULL REFERENCES gateway,
    wave_id       bigint REFERENCES wave,
    kind          text NOT NULL CHECK (kind IN ('pick', 'move')),
    expires_at    timestamptz NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_by    text NOT NULL,
    ended_at      timestamptz,
    ended_because text CHECK (ended_because IN ('done', 'short', 'expired', 'cancelled')),
    CHECK ((ended_at IS NULL) = (ended_because IS NULL))
);
CREATE INDEX task_open ON task (gateway_id, task) WHERE ended_at IS NULL;
CREATE INDEX task_site ON task (site_id, created_at DESC, task);
CREATE INDEX task_wave ON task (wave_id);

CREATE TABLE task_line (
    task          text NOT NULL REFERENCES task,
    number        integer NOT NULL CHECK (number > 0),
    site_id       text NOT NULL,
    type          text,
    id            text,
    line          text,
    item_id       bigint NOT NULL REFERENCES item,
    cell_id       bigint NOT NULL REFERENCES cell,
    from_location text NOT NULL,
    to_location   text NOT NULL,
    quantity      numeric(20, 6) NOT NULL CHECK (quantity > 0),
    PRIMARY KEY (task, number),
    FOREIGN KEY (site_id, type, id, line) REFERENCES document_line,
    CHECK ((type IS NULL) = (id IS NULL) AND (type IS NULL) = (line IS NULL))
);
COMMENT ON COLUMN task_line.quantity IS 'To do in all, in base units of the canonical item';
CREATE INDEX task_line_cell ON task_line (cell_id);

-- What records said of a line, once each: picked, undone, short; and withdrawn by the cloud itself.
CREATE TABLE task_fact (
    task        text NOT NULL,
    number      integer NOT NULL,
    site_id     text NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('picked', 'undone', 'short', 'withdrawn')),
    quantity    numeric(26, 6) NOT NULL CHECK (quantity >= 0),
    cell_id     bigint,
    gateway_id  integer NOT NULL,
    epoch       bigint NOT NULL,
    seq         bigint NOT NULL,
    occurred_at timestamptz NOT NULL,
    actor       text,
    reason      text,
    PRIMARY KEY (gateway_id, epoch, seq, task, number),
    FOREIGN KEY (task, number) REFERENCES task_line
);
CREATE INDEX task_fact_line ON task_fact (task, number);
CREATE INDEX task_fact_short ON task_fact (cell_id, occurred_at) WHERE kind = 'short';
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON task_fact FOR EACH ROW EXECUTE FUNCTION refuse_rewrite();
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON task_fact FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewrite();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON task_line FOR EACH ROW EXECUTE FUNCTION refuse_rewrite();
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON task_line FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewrite();

-- How far in the ledger's order facts have been told to claims.
CREATE TABLE task_head (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    position bigint NOT NULL
);
INSERT INTO task_head SELECT true, max(h.position) FROM ledger_head h;

GRANT SELECT, INSERT, UPDATE, DELETE ON pick_face TO dockledger_app;
GRANT SELECT, INSERT ON wave, task, task_line, task_fact TO dockledger_app;
GRANT UPDATE (ended_at, ended_because) ON task TO dockledger_app;
GRANT SELECT, UPDATE ON task_head TO dockledger_app;
GRANT USAGE ON SEQUENCE task_number TO dockledger_app;
GRANT SELECT ON pick_face, wave, task, task_line, task_fact, task_head TO dockledger_auditor, dockledger_planner;

DO $$
DECLARE
    guarded text;
BEGIN
    FOREACH guarded IN ARRAY ARRAY['pick_face', 'wave', 'task', 'task_line', 'task_fact'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', guarded);
        EXECUTE format(
            'CREATE POLICY by_site ON %I TO dockledger_app '
            'USING (sees_site(site_id)) WITH CHECK (sees_site(site_id))', guarded);
        EXECUTE format(
            'CREATE POLICY everywhere ON %I TO dockledger_auditor, dockledger_planner USING (true)', guarded);
    END LOOP;
END
$$;
