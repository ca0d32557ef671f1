-- Claims of document lines on stock (DOMAIN D1): soft on a quantity of an item at a site, hard on a cell, picked where it
-- waits to leave. A claim's quantity never changes: a part that goes on is a new row that names where it comes from.

-- When a lot is no longer good (DOMAIN D6).
CREATE TABLE lot (
    item_id    bigint NOT NULL REFERENCES item,
    lot        text NOT NULL,
    expires_on date,
    stated_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    stated_by  text NOT NULL,
    PRIMARY KEY (item_id, lot)
);
COMMENT ON COLUMN lot.expires_on IS 'The first day, by the site''s calendar, on which it is no longer good; NULL: it keeps';

-- How long goods must last after they have left, by customer.
CREATE TABLE customer_life (
    partner      text NOT NULL,
    item_id      bigint REFERENCES item,
    minimum_days integer NOT NULL CHECK (minimum_days >= 0),
    stated_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    stated_by    text NOT NULL,
    UNIQUE NULLS NOT DISTINCT (partner, item_id)
);
COMMENT ON COLUMN customer_life.item_id IS 'NULL: every item without terms of its own';

-- Whoever claims stock of an item at a site holds its row, taken in key order.
CREATE TABLE claimed_item (
    site_id text NOT NULL REFERENCES site,
    item_id bigint NOT NULL REFERENCES item,
    PRIMARY KEY (site_id, item_id)
);

CREATE TABLE allocation (
    allocation_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id       text NOT NULL,
    type          text NOT NULL,
    id            text NOT NULL,
    line          text NOT NULL,
    item_id       bigint NOT NULL REFERENCES item,
    kind          text NOT NULL CHECK (kind IN ('soft', 'hard', 'picked')),
    cell_id       bigint REFERENCES cell,
    quantity      numeric(20, 6) NOT NULL CHECK (quantity > 0),
    needed_on     date NOT NULL,
    why           jsonb NOT NULL,
    task          text,
    task_line     integer,
    comes_from    bigint REFERENCES allocation,
    created_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_by    text NOT NULL,
    ended_at      timestamptz,
    ended_by      text,
    ended_because text,
    FOREIGN KEY (site_id, type, id, line) REFERENCES document_line,
    CHECK ((kind = 'soft') = (cell_id IS NULL)),
    CHECK ((task IS NULL) = (task_line IS NULL)),
    CHECK ((ended_at IS NULL) = (ended_by IS NULL) AND (ended_at IS NULL) = (ended_because IS NULL))
);
COMMENT ON COLUMN allocation.quantity IS 'In base units of item_id, which is the canonical item';
CREATE INDEX allocation_open ON allocation (site_id, item_id) WHERE ended_at IS NULL;
CREATE INDEX allocation_cell ON allocation (cell_id) WHERE ended_at IS NULL;
CREATE INDEX allocation_line ON allocation (site_id, type, id, line);
CREATE INDEX allocation_task ON allocation (task, task_line) WHERE task IS NOT NULL;

CREATE TRIGGER not_deleted BEFORE DELETE ON allocation FOR EACH ROW EXECUTE FUNCTION refuse_rewrite();
CREATE TRIGGER not_truncated BEFORE TRUNCATE ON allocation FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewrite();

GRANT SELECT, INSERT, UPDATE, DELETE ON customer_life TO dockledger_app;
GRANT SELECT, INSERT, UPDATE ON lot TO dockledger_app;
GRANT SELECT, INSERT ON claimed_item, allocation TO dockledger_app;
GRANT UPDATE ON claimed_item TO dockledger_app;
GRANT UPDATE (task, task_line, ended_at, ended_by, ended_because) ON allocation TO dockledger_app;
GRANT SELECT ON lot, customer_life, claimed_item, allocation TO dockledger_auditor, dockledger_planner;

DO $$
DECLARE
    guarded text;
BEGIN
    FOREACH guarded IN ARRAY ARRAY['claimed_item', 'allocation'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', guarded);
        EXECUTE format(
            'CREATE POLICY by_site ON %I TO dockledger_app '
            'USING (sees_site(site_id)) WITH CHECK (sees_site(site_id))', guarded);
        EXECUTE format(
            'CREATE POLICY everywhere ON %I TO dockledger_auditor, dockledger_planner USING (true)', guarded);
    END LOOP;
END
$$;
