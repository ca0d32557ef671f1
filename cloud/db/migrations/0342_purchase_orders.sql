-- Purchase orders are documents (DOMAIN D4). What of a line is open is derived from the movements that name it.
ALTER TABLE document DROP CONSTRAINT document_type_check;
ALTER TABLE document ADD CONSTRAINT document_type_check
    CHECK (type IN ('asn', 'outbound_order', 'purchase_order'));

CREATE TABLE purchase_order (
    site_id       text NOT NULL,
    id            text NOT NULL,
    type          text NOT NULL DEFAULT 'purchase_order' CHECK (type = 'purchase_order'),
    supplier      text NOT NULL REFERENCES supplier,
    currency      text NOT NULL,
    origin        text NOT NULL CHECK (origin IN ('decision', 'elsewhere')),
    decision_id   bigint,
    state         text NOT NULL CHECK (state IN ('approved', 'sent', 'closed', 'cancelled')),
    sent_at       timestamptz,
    sent_by       text,
    ended_at      timestamptz,
    ended_by      text,
    end_reason    text,
    created_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_by    text NOT NULL,
    PRIMARY KEY (site_id, id),
    FOREIGN KEY (site_id, type, id) REFERENCES document,
    UNIQUE (decision_id),
    CHECK ((origin = 'decision') = (decision_id IS NOT NULL)),
    CHECK ((state IN ('sent', 'closed')) = (sent_at IS NOT NULL)),
    CHECK ((state IN ('closed', 'cancelled')) = (ended_at IS NOT NULL))
);
CREATE INDEX purchase_order_open ON purchase_order (site_id, id) WHERE state IN ('approved', 'sent');

CREATE TABLE purchase_order_line (
    site_id  text NOT NULL,
    id       text NOT NULL,
    line     text NOT NULL,
    type     text NOT NULL DEFAULT 'purchase_order',
    item_id  bigint NOT NULL REFERENCES item,
    quantity numeric(20, 6) NOT NULL CHECK (quantity > 0),
    price    numeric(20, 6) CHECK (price >= 0),
    due_on   date NOT NULL,
    PRIMARY KEY (site_id, id, line),
    FOREIGN KEY (site_id, id) REFERENCES purchase_order,
    FOREIGN KEY (site_id, type, id, line) REFERENCES document_line
);
COMMENT ON COLUMN purchase_order_line.quantity IS 'In base units, as ordered; never changed by a receipt';
COMMENT ON COLUMN purchase_order_line.price IS 'Of one base unit; NULL: not known';
CREATE INDEX purchase_order_line_item ON purchase_order_line (site_id, item_id);

-- What the supplier confirmed, or a person expects now: the latest row is when a line is due.
CREATE TABLE purchase_order_date (
    site_id    text NOT NULL,
    id         text NOT NULL,
    line       text NOT NULL,
    revision   integer NOT NULL CHECK (revision > 0),
    due_on     date NOT NULL,
    reason     text NOT NULL,
    stated_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    stated_by  text NOT NULL,
    PRIMARY KEY (site_id, id, line, revision),
    FOREIGN KEY (site_id, id, line) REFERENCES purchase_order_line
);

-- What a person said came with one delivery, beside the movements that it posted.
CREATE TABLE purchase_receipt (
    site_id    text NOT NULL,
    id         text NOT NULL,
    receipt    text NOT NULL,
    line       text NOT NULL,
    open_before numeric(20, 6) NOT NULL,
    received   numeric(20, 6) NOT NULL CHECK (received >= 0),
    damaged    numeric(20, 6) NOT NULL CHECK (damaged >= 0),
    over       numeric(20, 6) NOT NULL CHECK (over >= 0),
    short      numeric(20, 6) NOT NULL CHECK (short >= 0),
    location   text NOT NULL,
    occurred_at timestamptz NOT NULL,
    posting_id bigint NOT NULL,
    received_by text NOT NULL,
    PRIMARY KEY (site_id, id, receipt, line),
    FOREIGN KEY (site_id, id, line) REFERENCES purchase_order_line
);
COMMENT ON COLUMN purchase_receipt.received IS 'Sound, in base units; damaged came beside it';
CREATE INDEX purchase_receipt_posting ON purchase_receipt (posting_id);

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON purchase_receipt
    FOR EACH ROW EXECUTE FUNCTION refuse_rewrite();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON purchase_order_line
    FOR EACH ROW EXECUTE FUNCTION refuse_rewrite();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON purchase_order_date
    FOR EACH ROW EXECUTE FUNCTION refuse_rewrite();

-- Movements that name a line of an order, by item; no others pay for it.
CREATE INDEX movement_of_order ON movement (item_id, occurred_at)
    WHERE detail @> '{"documents": [{"type": "purchase_order"}]}';

GRANT SELECT, INSERT ON purchase_order, purchase_order_line, purchase_order_date, purchase_receipt TO dockledger_app;
GRANT UPDATE (state, sent_at, sent_by, ended_at, ended_by, end_reason) ON purchase_order TO dockledger_app;
GRANT SELECT ON purchase_order, purchase_order_line, purchase_order_date, purchase_receipt
    TO dockledger_auditor, dockledger_planner;

DO $$
DECLARE
    guarded text;
BEGIN
    FOREACH guarded IN ARRAY ARRAY[
        'purchase_order', 'purchase_order_line', 'purchase_order_date', 'purchase_receipt'
    ] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', guarded);
        EXECUTE format(
            'CREATE POLICY by_site ON %I TO dockledger_app '
            'USING (sees_site(site_id)) WITH CHECK (sees_site(site_id))', guarded);
        EXECUTE format(
            'CREATE POLICY everywhere ON %I TO dockledger_auditor, dockledger_planner USING (true)', guarded);
    END LOOP;
END
$$;
