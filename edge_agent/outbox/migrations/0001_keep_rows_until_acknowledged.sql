-- Additive only: an older agent must run on a newer file (explicit columns, defaults on every new one).

CREATE TABLE identity (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    site    TEXT NOT NULL,
    gateway TEXT NOT NULL,
    boot_id TEXT NOT NULL,
    crc32   INTEGER NOT NULL
);

-- A row's number in its epoch is record.id - epoch.base: ids have no gaps and are never used twice.
CREATE TABLE epoch (
    epoch_no          INTEGER PRIMARY KEY,
    epoch             TEXT NOT NULL UNIQUE,
    base              INTEGER NOT NULL,
    last_id           INTEGER,                       -- set when the epoch is closed to new rows
    sealed_id         INTEGER NOT NULL,
    last_batch_no     INTEGER NOT NULL DEFAULT 0,
    last_sha256       TEXT NOT NULL,
    complete_until_us INTEGER NOT NULL DEFAULT 0,
    opened_because    TEXT NOT NULL,
    ack_position      INTEGER NOT NULL DEFAULT -1,
    resend_answered   TEXT NOT NULL DEFAULT '',
    crc32             INTEGER NOT NULL               -- of what must never be wrong: numbers and the chain
);

CREATE TABLE record (
    id         INTEGER PRIMARY KEY,
    claimed_us INTEGER NOT NULL,
    crc32      INTEGER NOT NULL,
    body       BLOB NOT NULL
);

CREATE TABLE batch (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,     -- never reused: publishers walk by it
    epoch_no   INTEGER NOT NULL,
    batch_no   INTEGER NOT NULL,
    state      TEXT NOT NULL DEFAULT 'unacked' CHECK (state IN ('unacked', 'acked', 'conflict')),
    first_id   INTEGER NOT NULL,
    last_id    INTEGER NOT NULL,
    oldest_us  INTEGER NOT NULL,
    acked_us   INTEGER,
    sha256     TEXT NOT NULL,
    body       BLOB NOT NULL,
    UNIQUE (epoch_no, batch_no)
);

CREATE INDEX batch_unacked ON batch (epoch_no, id, first_id, last_id, oldest_us) WHERE state = 'unacked';
CREATE INDEX batch_acked ON batch (id, acked_us) WHERE state = 'acked';

CREATE TABLE ledger (
    ledger_id  TEXT PRIMARY KEY,
    is_current INTEGER NOT NULL
);

CREATE TABLE salvage (
    file      TEXT PRIMARY KEY,
    rows_upto INTEGER NOT NULL DEFAULT 0,
    is_done   INTEGER NOT NULL DEFAULT 0
);
