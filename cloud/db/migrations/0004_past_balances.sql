-- Any balance as of (occurred, position) at a cost that history's length hardly changes (PROTOCOL P7).
-- `cell_delta` lists each cell's changes in the order of positions, numbered per cell. Every 64 * 8^level
-- of them make a block of `cell_bucket`: the same changes sorted by occurred_at, with running sums, cut
-- into chunks of 64. A question walks at most 7 blocks per level and 63 single changes.
CREATE TABLE cell_delta (
    cell_id     bigint NOT NULL,
    ordinal     bigint NOT NULL,
    position    bigint NOT NULL,
    occurred_at timestamptz NOT NULL,
    delta       numeric(26, 6) NOT NULL,
    PRIMARY KEY (cell_id, ordinal)
);
CREATE INDEX cell_delta_position ON cell_delta (cell_id, position, ordinal);

CREATE TABLE cell_bucket (
    cell_id     bigint NOT NULL,
    level       smallint NOT NULL,
    block       bigint NOT NULL,
    chunk       integer NOT NULL,
    starts_at   timestamptz NOT NULL,
    occurred_at timestamptz[] NOT NULL,
    running     numeric[] NOT NULL,
    PRIMARY KEY (cell_id, level, block, starts_at, chunk)
);

CREATE TABLE cell_fold (
    cell_id      bigint PRIMARY KEY,
    deltas       bigint NOT NULL,
    blocked      bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 80);
CREATE INDEX cell_fold_due ON cell_fold (cell_id) WHERE deltas / 64 > blocked / 64;

CREATE TABLE fold_head (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    position bigint NOT NULL
);
INSERT INTO fold_head VALUES (true, 0);
