-- What labels say of the dates of lots, as handhelds scanned them (DOMAIN D5, D8), what people say of them, and which holds.

-- One row for each thing that labels say of a lot, however many of them say it. `item_id` is as its cells have it.
CREATE TABLE lot_label (
    label_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    item_id     bigint NOT NULL REFERENCES item,
    lot         text NOT NULL,
    produced_on date,
    packed_on   date,
    best_before date,
    sell_by     date,
    use_by      date,
    said        bigint NOT NULL,
    site_id     text NOT NULL REFERENCES site,
    gateway     text NOT NULL,
    actor       text,
    occurred_at timestamptz NOT NULL,
    noted_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE NULLS NOT DISTINCT (item_id, lot, produced_on, packed_on, best_before, sell_by, use_by)
);
COMMENT ON COLUMN lot_label.said IS 'Movements that say so, less those that were reversed: at zero it tells nothing';
COMMENT ON COLUMN lot_label.best_before IS 'As its label says it (AI 15): the last day';
COMMENT ON COLUMN lot_label.use_by IS 'As its label says it (AI 17, 7003): the last day';
COMMENT ON COLUMN lot_label.occurred_at IS 'When it was scanned first, by whom, at which site and gateway';

-- From the ledger's beginning: what gateways sent before this release was kept with their movements.
CREATE TABLE lot_label_head (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    position bigint NOT NULL
);
INSERT INTO lot_label_head VALUES (true, 0);

-- Lots of which labels or people said something since the job last looked.
CREATE TABLE lot_label_due (
    note_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    item_id bigint NOT NULL REFERENCES item,
    lot     text NOT NULL
);

-- What people said of a lot's dates, in order; the latest holds.
CREATE TABLE lot_statement (
    statement_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    item_id          bigint NOT NULL REFERENCES item,
    lot              text NOT NULL,
    expiry           text CHECK (expiry IN ('on', 'keeps', 'taken_back')),
    expires_on       date,
    production       text CHECK (production IN ('on', 'taken_back')),
    produced_on      date,
    reason           text,
    stated_by        text NOT NULL,
    stated_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK ((expiry = 'on') IS TRUE = (expires_on IS NOT NULL)),
    CHECK ((production = 'on') IS TRUE = (produced_on IS NOT NULL))
);
COMMENT ON COLUMN lot_statement.expiry IS 'taken_back: what was said of it counts no more; NULL: it is not spoken of';
CREATE INDEX lot_statement_of ON lot_statement (item_id, lot, statement_id DESC);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON lot_statement FOR EACH ROW EXECUTE FUNCTION refuse_rewrite();
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON lot_statement FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewrite();
INSERT INTO lot_statement (item_id, lot, expiry, expires_on, production, produced_on, stated_by, stated_at)
SELECT l.item_id, l.lot, CASE WHEN NOT l.is_expiry_stated THEN NULL WHEN l.expires_on IS NULL THEN 'keeps' ELSE 'on' END,
    CASE WHEN l.is_expiry_stated THEN l.expires_on END, CASE WHEN l.produced_on IS NOT NULL THEN 'on' END, l.produced_on,
    l.stated_by, l.stated_at
FROM lot l ORDER BY l.stated_at, l.item_id, l.lot;

ALTER TABLE lot
    ADD COLUMN is_production_stated boolean NOT NULL DEFAULT false,
    ADD COLUMN label_expires_on     date,
    ADD COLUMN is_best_before       boolean NOT NULL DEFAULT false,
    ADD COLUMN label_produced_on    date,
    ADD COLUMN labels_differ        text;
UPDATE lot SET is_production_stated = true WHERE produced_on IS NOT NULL;
COMMENT ON COLUMN lot.is_production_stated IS 'false: no person said when it was made; produced_on is what labels say';
COMMENT ON COLUMN lot.is_expiry_stated IS 'false: no person said when it expires; expires_on is what labels say, else produced_on and the shelf life of its item, or NULL where one of them is not known';
COMMENT ON COLUMN lot.label_expires_on IS 'The day after the earliest last day that its labels say (AI 17, else 15); NULL: they say none';
COMMENT ON COLUMN lot.is_best_before IS 'Whether label_expires_on is by AI 15';
COMMENT ON COLUMN lot.labels_differ IS 'In which dates its labels differ from each other, or from what people said, and people were told; NULL: in none';

GRANT SELECT, INSERT ON lot_statement TO dockledger_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON lot_label_due TO dockledger_app;
GRANT SELECT ON lot_label, lot_label_head TO dockledger_app;
GRANT SELECT ON lot_statement, lot_label_due, lot_label, lot_label_head TO dockledger_auditor, dockledger_planner;
