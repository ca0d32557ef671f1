-- Bound adjustments (PROTOCOL P8) and period closes (DOMAIN D7).
CREATE TABLE adjustment (
    adjustment_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id       text NOT NULL REFERENCES site,
    cell_id       bigint NOT NULL REFERENCES cell,
    observed_at   timestamptz NOT NULL,
    counted       numeric(26, 6) NOT NULL CHECK (counted >= 0),
    reason        text NOT NULL,
    author        text NOT NULL,
    approver      text,
    state         text NOT NULL CHECK (state IN ('submitted', 'applied')),
    created_at    timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX adjustment_site ON adjustment (site_id, adjustment_id);

-- As of `observed_at` the cell holds `counted`, whatever arrives late, while the state is `bound`.
CREATE TABLE count_anchor (
    cell_id            bigint NOT NULL REFERENCES cell,
    observed_at        timestamptz NOT NULL,
    counted            numeric(26, 6) NOT NULL CHECK (counted >= 0),
    adjustment_id      bigint NOT NULL UNIQUE REFERENCES adjustment,
    adjustment_cell_id bigint NOT NULL REFERENCES cell,
    limit_quantity     numeric(26, 6) CHECK (limit_quantity >= 0),
    adjusted           numeric(26, 6) NOT NULL DEFAULT 0,
    state              text NOT NULL DEFAULT 'bound' CHECK (state IN ('bound', 'pending')),
    posting_id         bigint NOT NULL,
    PRIMARY KEY (cell_id, observed_at)
);
CREATE INDEX count_anchor_posting ON count_anchor (posting_id);

CREATE TABLE period_close (
    close_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id    text NOT NULL REFERENCES site,
    ends_at    timestamptz NOT NULL,
    as_of_position bigint NOT NULL,
    closed_by  text NOT NULL,
    posting_id bigint NOT NULL,
    UNIQUE (site_id, ends_at)
);
CREATE INDEX period_close_posting ON period_close (posting_id);

CREATE TABLE period_balance (
    close_id   bigint NOT NULL REFERENCES period_close,
    cell_id    bigint NOT NULL,
    quantity   numeric(26, 6) NOT NULL,
    posting_id bigint NOT NULL,
    PRIMARY KEY (close_id, cell_id)
);
CREATE INDEX period_balance_posting ON period_balance (posting_id);
