-- What stock is worth (DOMAIN D8): what a standard cost was and when that was said, what was paid where there is
-- none, and what one currency is in another. What was valid is never rewritten.
ALTER TABLE item_cost ADD recorded_at timestamptz NOT NULL DEFAULT '-infinity';
ALTER TABLE item_cost ALTER recorded_at SET DEFAULT clock_timestamp();

CREATE TABLE purchase_cost (
    item_id     bigint NOT NULL REFERENCES item,
    site_id     text NOT NULL REFERENCES site,
    valid_from  timestamptz NOT NULL,
    cost        numeric(20, 6) NOT NULL CHECK (cost >= 0),
    currency    text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (item_id, site_id, valid_from)
);
CREATE INDEX purchase_cost_site ON purchase_cost (site_id, item_id);

-- One unit of `from_currency` is `rate` units of `to_currency` from a day on, by the calendar of whoever asks.
CREATE TABLE exchange_rate (
    from_currency text NOT NULL CHECK (from_currency ~ '^[A-Z]{3}$'),
    to_currency   text NOT NULL CHECK (to_currency ~ '^[A-Z]{3}$'),
    valid_from    date NOT NULL,
    rate          numeric(20, 10) NOT NULL CHECK (rate > 0),
    source        text NOT NULL,
    recorded_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (from_currency, to_currency, valid_from),
    CHECK (from_currency <> to_currency)
);
CREATE INDEX item_cost_site ON item_cost (site_id, item_id);

GRANT SELECT, INSERT ON purchase_cost, exchange_rate TO dockledger_app;
GRANT SELECT ON purchase_cost, exchange_rate TO dockledger_auditor, dockledger_planner;

ALTER TABLE purchase_cost ENABLE ROW LEVEL SECURITY;
CREATE POLICY by_site ON purchase_cost TO dockledger_app USING (sees_site(site_id)) WITH CHECK (sees_site(site_id));
CREATE POLICY everywhere ON purchase_cost TO dockledger_auditor, dockledger_planner USING (true);

DO $$
DECLARE
    stated text;
BEGIN
    FOREACH stated IN ARRAY ARRAY['item_cost', 'purchase_cost', 'exchange_rate'] LOOP
        EXECUTE format(
            'CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON %I '
            'FOR EACH ROW EXECUTE FUNCTION refuse_rewrite()', stated);
        EXECUTE format(
            'CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON %I '
            'FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewrite()', stated);
    END LOOP;
END
$$;
