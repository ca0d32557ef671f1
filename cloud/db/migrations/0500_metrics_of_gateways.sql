-- What gateways say of themselves every 10 s, kept once in 5 minutes: of a gateway 105,000 rows a year. Like the
-- ledger's facts it has no row-level security (P9): the application reads it through `gateway_hours`.
CREATE TABLE gateway_metric (
    gateway_id           integer NOT NULL,
    slot_at              timestamptz NOT NULL,
    heard_at             timestamptz NOT NULL,
    site_id              text NOT NULL,
    uptime_s             double precision,
    unacked_rows         bigint,
    oldest_unacked_age_s double precision,
    is_outbox_full       boolean,
    is_clock_ok          boolean,
    readers              integer,
    readers_connected    integer,
    PRIMARY KEY (gateway_id, slot_at)
);
GRANT SELECT ON gateway_metric TO dockledger_auditor;
