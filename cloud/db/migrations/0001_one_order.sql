-- The one order of all postings (PROTOCOL P4) and the identity of this ledger.
CREATE TABLE ledger_identity (
    ledger_id  uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
INSERT INTO ledger_identity DEFAULT VALUES;

CREATE SEQUENCE posting_id_seq;
CREATE SEQUENCE cloud_row_seq;

CREATE TABLE ledger_head (
    shard       smallint PRIMARY KEY,
    position    bigint NOT NULL,
    recorded_at timestamptz NOT NULL,
    chain       bytea NOT NULL
) WITH (fillfactor = 10);
INSERT INTO ledger_head VALUES (0, 0, '-infinity', sha256(''));

CREATE TABLE ledger_entry (
    position       bigint PRIMARY KEY,
    shard          smallint NOT NULL REFERENCES ledger_head,
    posting_id     bigint NOT NULL UNIQUE,
    kind           text NOT NULL,
    actor          text NOT NULL,
    digest_version smallint NOT NULL,
    content_sha    bytea NOT NULL,
    chain          bytea NOT NULL,
    recorded_at    timestamptz NOT NULL
);
CREATE INDEX ledger_entry_recorded ON ledger_entry (recorded_at, position);

-- Security's own chain: what people and machines did, beside what moved.
CREATE TABLE audit_event (
    audit_id    bigint PRIMARY KEY,
    recorded_at timestamptz NOT NULL,
    actor       text NOT NULL,
    action      text NOT NULL,
    target      text,
    site_id     text,
    position    bigint,
    detail      jsonb NOT NULL DEFAULT '{}',
    chain       bytea NOT NULL
);
CREATE TABLE audit_head (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    audit_id bigint NOT NULL,
    chain    bytea NOT NULL
);
INSERT INTO audit_head VALUES (true, 0, sha256(''));

CREATE TABLE claim (
    kind       text NOT NULL,
    target     text NOT NULL,
    posting_id bigint NOT NULL,
    PRIMARY KEY (kind, target)
);
CREATE INDEX claim_posting ON claim (posting_id);

CREATE TABLE job_run (
    job         text NOT NULL,
    slot        timestamptz NOT NULL,
    started_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    outcome     jsonb,
    PRIMARY KEY (job, slot)
);

CREATE TABLE idempotency_key (
    actor          text NOT NULL,
    key            text NOT NULL,
    request_sha256 text NOT NULL,
    status         integer,
    response       jsonb,
    created_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (actor, key)
);
CREATE INDEX idempotency_key_created ON idempotency_key (created_at);
