-- What a supplier confirmed of a sent order (DOMAIN D10): the fact as it was stated, and the terms that hold since.
-- Within the tolerance a confirmation holds at once; beyond it a decision has to take it.
CREATE TABLE purchase_order_confirmation (
    site_id          text NOT NULL,
    id               text NOT NULL,
    line             text NOT NULL,
    revision         integer NOT NULL CHECK (revision > 0),
    quantity         numeric(20, 6) NOT NULL CHECK (quantity >= 0),
    price            numeric(20, 6) CHECK (price >= 0),
    due_on           date NOT NULL,
    reference        text NOT NULL DEFAULT '',
    base_quantity    numeric(20, 6) NOT NULL,
    base_price       numeric(20, 6),
    quantity_percent numeric(9, 3) NOT NULL,
    price_percent    numeric(9, 3) NOT NULL,
    beyond           text[] NOT NULL,
    decision_id      bigint REFERENCES decision,
    stated_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    stated_by        text NOT NULL,
    PRIMARY KEY (site_id, id, line, revision),
    FOREIGN KEY (site_id, id, line) REFERENCES purchase_order_line,
    CHECK ((cardinality(beyond) > 0) = (decision_id IS NOT NULL))
);
COMMENT ON COLUMN purchase_order_confirmation.quantity IS 'Of the whole line, in base units; 0: nothing will come';
COMMENT ON COLUMN purchase_order_confirmation.base_quantity IS 'What was approved last, with which it was compared';
COMMENT ON COLUMN purchase_order_confirmation.beyond IS 'What of it is beyond the tolerance, in words; empty: nothing';
CREATE INDEX purchase_order_confirmation_decision ON purchase_order_confirmation (decision_id)
    WHERE decision_id IS NOT NULL;

CREATE TABLE purchase_order_terms (
    site_id      text NOT NULL,
    id           text NOT NULL,
    line         text NOT NULL,
    revision     integer NOT NULL CHECK (revision > 0),
    quantity     numeric(20, 6) NOT NULL CHECK (quantity >= 0),
    price        numeric(20, 6) CHECK (price >= 0),
    decision_id  bigint REFERENCES decision,
    since        timestamptz NOT NULL DEFAULT clock_timestamp(),
    set_by       text NOT NULL,
    PRIMARY KEY (site_id, id, line, revision),
    FOREIGN KEY (site_id, id, line) REFERENCES purchase_order_line
);
COMMENT ON TABLE purchase_order_terms IS 'The latest row of a line holds; without one, what was ordered';
COMMENT ON COLUMN purchase_order_terms.decision_id IS 'That took it; NULL: within the tolerance, or as before a reversal';

-- How far a confirmation may be off what was approved before somebody has to approve it again.
CREATE TABLE confirmation_tolerance (
    tolerance_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id          text REFERENCES site,
    quantity_percent numeric(9, 3) NOT NULL CHECK (quantity_percent BETWEEN 0 AND 100),
    price_percent    numeric(9, 3) NOT NULL CHECK (price_percent BETWEEN 0 AND 100),
    set_by           text NOT NULL,
    set_at           timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE confirmation_tolerance IS 'The latest row of a site holds; site NULL: of every site without one';
CREATE INDEX confirmation_tolerance_latest ON confirmation_tolerance (site_id, tolerance_id DESC);

DO $$
DECLARE
    guarded text;
BEGIN
    FOREACH guarded IN ARRAY ARRAY['purchase_order_confirmation', 'purchase_order_terms', 'confirmation_tolerance'] LOOP
        EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON %I '
            'FOR EACH ROW EXECUTE FUNCTION refuse_rewrite()', guarded);
        EXECUTE format('CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON %I '
            'FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewrite()', guarded);
        EXECUTE format('GRANT SELECT, INSERT ON %I TO dockledger_app', guarded);
        EXECUTE format('GRANT SELECT ON %I TO dockledger_auditor, dockledger_planner', guarded);
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', guarded);
        EXECUTE format('CREATE POLICY by_site ON %I TO dockledger_app '
            'USING (sees_site(site_id)) WITH CHECK (sees_site(site_id))', guarded);
        EXECUTE format('CREATE POLICY everywhere ON %I TO dockledger_auditor, dockledger_planner USING (true)', guarded);
    END LOOP;
END
$$;
CREATE POLICY of_the_network ON confirmation_tolerance FOR SELECT TO dockledger_app USING (site_id IS NULL);
