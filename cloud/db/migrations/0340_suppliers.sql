-- Who sells what, on which terms (DOMAIN D8, D9). Quantities are base units; a price is of one base unit.
CREATE TABLE supplier (
    supplier     text PRIMARY KEY CHECK (supplier ~ '^[A-Za-z0-9_.-]{1,64}$'),
    name         text NOT NULL,
    currency     text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    working_days integer[] NOT NULL DEFAULT '{1,2,3,4,5}'
        CHECK (cardinality(working_days) > 0 AND working_days <@ '{1,2,3,4,5,6,7}'),
    order_days   integer[]
        CHECK (cardinality(order_days) > 0 AND order_days <@ '{1,2,3,4,5,6,7}'),
    updated_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_by   text NOT NULL
);
COMMENT ON COLUMN supplier.working_days IS 'ISO weekdays, Monday 1, on which it works';
COMMENT ON COLUMN supplier.order_days IS 'ISO weekdays on which it takes orders; NULL: on every working day';

CREATE TABLE supplier_item (
    supplier_item_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    supplier         text NOT NULL REFERENCES supplier,
    item_id          bigint NOT NULL REFERENCES item,
    site_id          text REFERENCES site,
    code             text,
    pack             numeric(20, 6) NOT NULL DEFAULT 1 CHECK (pack > 0),
    min_order        numeric(20, 6) CHECK (min_order > 0),
    multiple         numeric(20, 6) CHECK (multiple > 0),
    price            numeric(20, 6) CHECK (price >= 0),
    lead_time_days   integer CHECK (lead_time_days BETWEEN 0 AND 730),
    lead_time_basis  text NOT NULL DEFAULT 'calendar' CHECK (lead_time_basis IN ('calendar', 'working')),
    is_preferred     boolean NOT NULL DEFAULT false,
    updated_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_by       text NOT NULL,
    UNIQUE NULLS NOT DISTINCT (supplier, item_id, site_id)
);
COMMENT ON COLUMN supplier_item.site_id IS 'NULL: at every site that has no terms of its own';
COMMENT ON COLUMN supplier_item.price IS 'NULL: not known; then the value of an order is not known either';
COMMENT ON COLUMN supplier_item.multiple IS 'NULL: whole packs';
COMMENT ON COLUMN supplier_item.lead_time_days IS 'From sent to received; NULL: nobody promised one';
CREATE INDEX supplier_item_item ON supplier_item (item_id);
CREATE UNIQUE INDEX supplier_item_preferred ON supplier_item (item_id, coalesce(site_id, '')) WHERE is_preferred;

GRANT SELECT, INSERT, UPDATE ON supplier, supplier_item TO dockledger_app;
GRANT SELECT ON supplier, supplier_item TO dockledger_auditor, dockledger_planner;
