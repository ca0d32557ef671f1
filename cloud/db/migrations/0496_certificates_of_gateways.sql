-- Certificates that the cloud has signed for gateways (FAULTS F18): asked for by a heartbeat, answered once.
CREATE TABLE gateway_certificate (
    certificate_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    gateway_id     integer NOT NULL REFERENCES gateway,
    site_id        text NOT NULL REFERENCES site,
    serial         text NOT NULL UNIQUE CHECK (serial ~ '^[0-9a-f]{1,40}$'),
    request_sha256 bytea NOT NULL CHECK (octet_length(request_sha256) = 32),
    not_before     timestamptz NOT NULL,
    not_after      timestamptz NOT NULL,
    certificate    text NOT NULL,
    issued_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    issued_by      text NOT NULL,
    revoked_at     timestamptz,
    revoked_by     text,
    revoked_why    text,
    UNIQUE (gateway_id, request_sha256),
    CHECK (not_before < not_after),
    CHECK ((revoked_at IS NULL) = (revoked_by IS NULL) AND (revoked_at IS NULL) = (revoked_why IS NULL))
);
CREATE INDEX gateway_certificate_of ON gateway_certificate (gateway_id, certificate_id DESC);
CREATE INDEX gateway_certificate_revoked ON gateway_certificate (revoked_at) WHERE revoked_at IS NOT NULL;

ALTER TABLE gateway_certificate ENABLE ROW LEVEL SECURITY;
CREATE POLICY by_site ON gateway_certificate TO dockledger_app
    USING (sees_site(site_id)) WITH CHECK (sees_site(site_id));
CREATE POLICY everywhere ON gateway_certificate TO dockledger_auditor USING (true);
GRANT SELECT, INSERT ON gateway_certificate TO dockledger_app;
GRANT UPDATE (revoked_at, revoked_by, revoked_why) ON gateway_certificate TO dockledger_app;
GRANT SELECT ON gateway_certificate TO dockledger_auditor;
