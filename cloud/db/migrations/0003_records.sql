-- What gateways and people stated, one table per kind of record (DOMAIN D1). No foreign keys from here to
-- cells and items: each would cost a look-up per row; `verify` proves what they would.
CREATE TABLE batch (
    gateway_id     integer NOT NULL REFERENCES gateway,
    epoch          bigint NOT NULL,
    batch_no       bigint NOT NULL CHECK (batch_no > 0),
    site_id        text NOT NULL,
    sha256         text NOT NULL,
    prev_sha256    text NOT NULL,
    first_seq      bigint NOT NULL,
    last_seq       bigint NOT NULL,
    complete_until timestamptz NOT NULL,
    is_final       boolean NOT NULL,
    body           bytea NOT NULL,
    status         text NOT NULL CHECK (status IN ('stored', 'partly_quarantined')),
    received_at    timestamptz NOT NULL,
    posting_id     bigint NOT NULL,
    PRIMARY KEY (gateway_id, epoch, batch_no),
    CHECK (last_seq >= first_seq)
);
ALTER TABLE batch ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE INDEX batch_posting ON batch (posting_id);

CREATE TABLE movement (
    gateway_id          integer NOT NULL,
    epoch               bigint NOT NULL,
    seq                 bigint NOT NULL,
    occurred_at         timestamptz NOT NULL,
    posting_id          bigint NOT NULL,
    item_id             bigint NOT NULL,
    from_cell           bigint NOT NULL,
    to_cell             bigint NOT NULL,
    quantity            numeric(26, 6) NOT NULL CHECK (quantity > 0),
    site_id             text NOT NULL,
    identifier_scheme   text NOT NULL,
    identifier          text NOT NULL,
    quantity_seen       numeric(20, 6) NOT NULL,
    unit_seen           text NOT NULL,
    occurred_at_claimed timestamptz NOT NULL,
    time_basis          text NOT NULL,
    reason              text,
    reverses_gateway    integer,
    reverses_epoch      bigint,
    reverses_seq        bigint,
    adjustment_id       bigint,
    detail              jsonb NOT NULL,
    PRIMARY KEY (gateway_id, epoch, seq, occurred_at),
    CHECK (from_cell <> to_cell)
);
CREATE INDEX movement_item ON movement (item_id, occurred_at);
CREATE INDEX movement_posting ON movement (posting_id);
CREATE INDEX movement_occurred ON movement (occurred_at);

CREATE TABLE unit_position (
    gateway_id          integer NOT NULL,
    epoch               bigint NOT NULL,
    seq                 bigint NOT NULL,
    occurred_at         timestamptz NOT NULL,
    posting_id          bigint NOT NULL,
    site_id             text NOT NULL,
    unit_id             bigint NOT NULL,
    location_id         bigint,
    parent_id           bigint,
    from_location_id    bigint,
    occurred_at_claimed timestamptz NOT NULL,
    time_basis          text NOT NULL,
    detail              jsonb NOT NULL,
    PRIMARY KEY (gateway_id, epoch, seq, occurred_at),
    CHECK ((location_id IS NULL) <> (parent_id IS NULL))
);
CREATE INDEX unit_position_unit ON unit_position (unit_id, occurred_at);
CREATE INDEX unit_position_posting ON unit_position (posting_id);

CREATE TABLE crossing (
    gateway_id          integer NOT NULL,
    epoch               bigint NOT NULL,
    seq                 bigint NOT NULL,
    occurred_at         timestamptz NOT NULL,
    posting_id          bigint NOT NULL,
    site_id             text NOT NULL,
    portal              text NOT NULL,
    epc                 text NOT NULL,
    direction           text NOT NULL,
    first_seen_at       timestamptz NOT NULL,
    reads               integer NOT NULL,
    posted              text NOT NULL,
    visit               text,
    occurred_at_claimed timestamptz NOT NULL,
    time_basis          text NOT NULL,
    detail              jsonb NOT NULL,
    PRIMARY KEY (gateway_id, epoch, seq, occurred_at)
);
CREATE INDEX crossing_epc ON crossing (epc, occurred_at);
CREATE INDEX crossing_posting ON crossing (posting_id);

CREATE TABLE count (
    gateway_id          integer NOT NULL,
    epoch               bigint NOT NULL,
    seq                 bigint NOT NULL,
    occurred_at         timestamptz NOT NULL,
    posting_id          bigint NOT NULL,
    site_id             text NOT NULL,
    scope               text NOT NULL,
    location_id         bigint NOT NULL,
    count_task          text,
    is_blind            boolean NOT NULL,
    clock_uncertainty_s double precision NOT NULL,
    occurred_at_claimed timestamptz NOT NULL,
    time_basis          text NOT NULL,
    detail              jsonb NOT NULL,
    PRIMARY KEY (gateway_id, epoch, seq, occurred_at)
);
CREATE INDEX count_location ON count (location_id, occurred_at);
CREATE INDEX count_posting ON count (posting_id);

CREATE TABLE count_line (
    gateway_id        integer NOT NULL,
    epoch             bigint NOT NULL,
    seq               bigint NOT NULL,
    occurred_at       timestamptz NOT NULL,
    line_no           integer NOT NULL,
    posting_id        bigint NOT NULL,
    item_id           bigint NOT NULL,
    cell_id           bigint NOT NULL,
    quantity          numeric(26, 6) NOT NULL CHECK (quantity >= 0),
    is_confirmed_zero boolean NOT NULL,
    identifier_scheme text NOT NULL,
    identifier        text NOT NULL,
    quantity_seen     numeric(20, 6) NOT NULL,
    unit_seen         text NOT NULL,
    detail            jsonb NOT NULL,
    PRIMARY KEY (gateway_id, epoch, seq, occurred_at, line_no)
);
CREATE INDEX count_line_cell ON count_line (cell_id, occurred_at);
CREATE INDEX count_line_posting ON count_line (posting_id);

CREATE TABLE workflow_event (
    gateway_id          integer NOT NULL,
    epoch               bigint NOT NULL,
    seq                 bigint NOT NULL,
    occurred_at         timestamptz NOT NULL,
    posting_id          bigint NOT NULL,
    site_id             text NOT NULL,
    workflow            text NOT NULL,
    step                text NOT NULL,
    outcome             text,
    occurred_at_claimed timestamptz NOT NULL,
    time_basis          text NOT NULL,
    detail              jsonb NOT NULL,
    PRIMARY KEY (gateway_id, epoch, seq, occurred_at)
);
CREATE INDEX workflow_event_posting ON workflow_event (posting_id);

CREATE TABLE gap (
    gateway_id          integer NOT NULL,
    epoch               bigint NOT NULL,
    seq                 bigint NOT NULL,
    occurred_at         timestamptz NOT NULL,
    posting_id          bigint NOT NULL,
    site_id             text NOT NULL,
    gap_device          text NOT NULL,
    from_at             timestamptz NOT NULL,
    to_at               timestamptz,
    cause               text NOT NULL,
    occurred_at_claimed timestamptz NOT NULL,
    time_basis          text NOT NULL,
    detail              jsonb NOT NULL,
    PRIMARY KEY (gateway_id, epoch, seq, occurred_at)
);
CREATE INDEX gap_site ON gap (site_id, from_at);
CREATE INDEX gap_posting ON gap (posting_id);

-- What could not be understood, with its original bytes. Rows of a batch carry the batch's posting.
CREATE TABLE quarantine (
    quarantine_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    received_at       timestamptz NOT NULL,
    topic             text NOT NULL,
    site_id           text,
    gateway           text,
    epoch             bigint,
    batch_no          bigint,
    seq               bigint,
    reason            text NOT NULL,
    message           text NOT NULL,
    payload           bytea NOT NULL,
    sha256            text NOT NULL,
    posting_id        bigint,
    state             text NOT NULL DEFAULT 'held' CHECK (state IN ('held', 'replayed', 'discarded')),
    settled_at        timestamptz,
    settled_by        text,
    settled_posting   bigint
);
CREATE INDEX quarantine_held ON quarantine (quarantine_id) WHERE state = 'held';
CREATE INDEX quarantine_posting ON quarantine (posting_id);
CREATE INDEX quarantine_row ON quarantine (gateway, epoch, seq);

-- How far each gateway's epoch is in the ledger without a hole, and what the gateway says of itself (P6).
CREATE TABLE completeness (
    gateway_id        integer NOT NULL REFERENCES gateway,
    epoch             bigint NOT NULL,
    contiguous_no     bigint NOT NULL DEFAULT 0,
    contiguous_sha256 text NOT NULL DEFAULT repeat('0', 64),
    complete_until    timestamptz NOT NULL DEFAULT '-infinity',
    is_final          boolean NOT NULL DEFAULT false,
    stated_no         bigint,
    stated_until      timestamptz,
    abandoned_at      timestamptz,
    PRIMARY KEY (gateway_id, epoch)
) WITH (fillfactor = 50);

CREATE TABLE gateway_status (
    gateway_id integer PRIMARY KEY REFERENCES gateway,
    presence   text NOT NULL CHECK (presence IN ('online', 'offline')),
    heard_at   timestamptz NOT NULL,
    status     jsonb NOT NULL,
    health     jsonb,
    health_at  timestamptz
) WITH (fillfactor = 50);

-- Cloud to edge; published by the ingest process, so the API needs no broker (P10).
CREATE TABLE gateway_message (
    message_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    gateway_id   integer NOT NULL REFERENCES gateway,
    channel      text NOT NULL,
    revision     bigint NOT NULL,
    payload      jsonb NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_by   text NOT NULL,
    published_at timestamptz
);
CREATE INDEX gateway_message_due ON gateway_message (message_id) WHERE published_at IS NULL;
