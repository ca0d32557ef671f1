-- Doors, their documents and visits (DOMAIN D2, D4). What of a document is open is derived from movements that
-- name its lines; nothing of that is stored here.
CREATE TABLE portal (
    site_id          text NOT NULL REFERENCES site,
    portal           text NOT NULL CHECK (portal ~ '^[A-Za-z0-9_-]{1,64}$'),
    gateway_id       integer NOT NULL REFERENCES gateway,
    inside_location  text NOT NULL,
    outside_location text NOT NULL,
    mode             text NOT NULL DEFAULT 'live' CHECK (mode IN ('live', 'shadow')),
    PRIMARY KEY (site_id, portal)
);
CREATE INDEX portal_gateway ON portal (gateway_id);

CREATE TABLE document (
    site_id    text NOT NULL REFERENCES site,
    type       text NOT NULL CHECK (type IN ('asn', 'outbound_order')),
    id         text NOT NULL,
    partner    text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_by text NOT NULL,
    PRIMARY KEY (site_id, type, id)
);

CREATE TABLE document_line (
    site_id           text NOT NULL,
    type              text NOT NULL,
    id                text NOT NULL,
    line              text NOT NULL,
    ordinal           integer NOT NULL,
    identifier_scheme text NOT NULL,
    identifier        text NOT NULL,
    quantity          numeric(20, 6) NOT NULL CHECK (quantity > 0),
    unit_seen         text NOT NULL,
    lot               text,
    unit              text,
    PRIMARY KEY (site_id, type, id, line),
    FOREIGN KEY (site_id, type, id) REFERENCES document
);
CREATE INDEX document_line_unit ON document_line (site_id, unit) WHERE unit IS NOT NULL;

CREATE TABLE visit (
    site_id          text NOT NULL,
    visit            text NOT NULL,
    door             text NOT NULL,
    direction        text NOT NULL CHECK (direction IN ('inbound', 'outbound')),
    from_at          timestamptz NOT NULL,
    to_at            timestamptz CHECK (to_at >= from_at),
    clearing_account text NOT NULL,
    state            text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'closed', 'cancelled')),
    reasons          jsonb NOT NULL DEFAULT '{}',
    created_by       text NOT NULL,
    ended_by         text,
    ended_at         timestamptz,
    PRIMARY KEY (site_id, visit),
    FOREIGN KEY (site_id, door) REFERENCES portal
);
CREATE INDEX visit_open ON visit (site_id, door) WHERE state = 'open';

CREATE TABLE visit_document (
    site_id text NOT NULL,
    visit   text NOT NULL,
    type    text NOT NULL,
    id      text NOT NULL,
    PRIMARY KEY (site_id, visit, type, id),
    FOREIGN KEY (site_id, visit) REFERENCES visit,
    FOREIGN KEY (site_id, type, id) REFERENCES document
);
CREATE INDEX visit_document_document ON visit_document (site_id, type, id);

GRANT SELECT, INSERT, UPDATE ON portal, visit TO dockledger_app;
GRANT SELECT, INSERT ON document, document_line, visit_document TO dockledger_app;
GRANT SELECT ON portal, document, document_line, visit, visit_document TO dockledger_auditor, dockledger_planner;

DO $$
DECLARE
    guarded text;
BEGIN
    FOREACH guarded IN ARRAY ARRAY['portal', 'document', 'document_line', 'visit', 'visit_document'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', guarded);
        EXECUTE format(
            'CREATE POLICY by_site ON %I TO dockledger_app '
            'USING (sees_site(site_id)) WITH CHECK (sees_site(site_id))', guarded);
        EXECUTE format(
            'CREATE POLICY everywhere ON %I TO dockledger_auditor, dockledger_planner USING (true)', guarded);
    END LOOP;
END
$$;
