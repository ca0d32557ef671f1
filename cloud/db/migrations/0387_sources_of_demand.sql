-- Where demand is fetched from, or sends itself to: a REST source and a folder are pulled every so many minutes, a shop
-- pushes signed events. The cursor moves in the transaction that stores the lines. A secret is never here: only the
-- name of the environment variable or file that holds it. Never deleted: its lines bear its name.
CREATE TABLE demand_source (
    source_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id       text NOT NULL REFERENCES site,
    name          text NOT NULL CHECK (name ~ '^[A-Za-z0-9_-]{1,64}$'),
    kind          text NOT NULL CHECK (kind IN ('rest', 'drop', 'push')),
    address       text CHECK (address <> ''),
    settings      jsonb NOT NULL,
    secret_from   text CHECK (secret_from ~ '^(env|file):.'),
    every_minutes integer NOT NULL CHECK (every_minutes BETWEEN 1 AND 10080),
    state         text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'paused', 'stopped')),
    stopped_because text,
    cursor        text,
    from_at       timestamptz,
    page_sha256   text,
    revision      integer NOT NULL DEFAULT 1,
    due_at        timestamptz NOT NULL,
    leased_until  timestamptz,
    failures      integer NOT NULL DEFAULT 0,
    pulled_at     timestamptz,
    lines         bigint NOT NULL DEFAULT 0,
    last_error    text,
    recorded_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    recorded_by   text NOT NULL,
    UNIQUE (site_id, name),
    CHECK ((kind = 'push') = (address IS NULL)),
    CHECK ((state = 'stopped') = (stopped_because IS NOT NULL))
);
COMMENT ON COLUMN demand_source.address IS 'URL of a REST source, path of a folder';
COMMENT ON COLUMN demand_source.from_at IS 'Back-fill: without a cursor, demand from then on is asked for';
COMMENT ON COLUMN demand_source.page_sha256 IS 'Of the last page stored: the same page again need not be read';
COMMENT ON COLUMN demand_source.revision IS
    'One more whenever a person pauses, resumes or back-fills: a page that was asked for before is not stored';
COMMENT ON COLUMN demand_source.lines IS 'New and corrected ones so far';
CREATE INDEX demand_source_due ON demand_source (due_at) WHERE state = 'active' AND kind <> 'push';

CREATE TRIGGER not_deleted BEFORE DELETE ON demand_source FOR EACH ROW EXECUTE FUNCTION refuse_rewrite();
CREATE TRIGGER not_truncated BEFORE TRUNCATE ON demand_source FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewrite();

-- Events that a shop pushed, by the id it gave them: one that comes again is answered and changes nothing.
CREATE TABLE demand_event (
    source_id   bigint NOT NULL REFERENCES demand_source,
    site_id     text NOT NULL REFERENCES site,
    event_id    text NOT NULL CHECK (event_id <> ''),
    sha256      text NOT NULL,
    lines       integer NOT NULL,
    received_at timestamptz NOT NULL,
    PRIMARY KEY (source_id, event_id)
);
CREATE INDEX demand_event_age ON demand_event (received_at);

GRANT SELECT, INSERT ON demand_source TO dockledger_app;
GRANT UPDATE (state, stopped_because, cursor, from_at, page_sha256, revision, due_at, leased_until, failures, pulled_at,
    lines, last_error) ON demand_source TO dockledger_app;
GRANT SELECT, INSERT, DELETE ON demand_event TO dockledger_app;
GRANT SELECT ON demand_source, demand_event TO dockledger_auditor, dockledger_planner;
ALTER TABLE demand_source ENABLE ROW LEVEL SECURITY;
CREATE POLICY by_site ON demand_source TO dockledger_app USING (sees_site(site_id)) WITH CHECK (sees_site(site_id));
CREATE POLICY everywhere ON demand_source TO dockledger_auditor, dockledger_planner USING (true);
ALTER TABLE demand_event ENABLE ROW LEVEL SECURITY;
CREATE POLICY by_site ON demand_event TO dockledger_app USING (sees_site(site_id)) WITH CHECK (sees_site(site_id));
CREATE POLICY everywhere ON demand_event TO dockledger_auditor, dockledger_planner USING (true);
