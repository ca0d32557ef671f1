-- One-time codes by which a new gateway enrols: bound to it and its site, short-lived, known by their hash only.
CREATE TABLE gateway_invite (
    invite_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    gateway_id  integer NOT NULL REFERENCES gateway,
    site_id     text NOT NULL REFERENCES site,
    code_sha256 bytea NOT NULL UNIQUE CHECK (octet_length(code_sha256) = 32),
    made_at     timestamptz NOT NULL,
    made_by     text NOT NULL,
    expires_at  timestamptz NOT NULL CHECK (expires_at > made_at AND expires_at <= made_at + interval '7 days'),
    revoked_at  timestamptz,
    revoked_by  text,
    used_at     timestamptz,
    request     text CHECK (length(request) <= 4000),
    CHECK ((revoked_at IS NULL) = (revoked_by IS NULL)),
    CHECK ((used_at IS NULL) = (request IS NULL)),
    CHECK (revoked_at IS NULL OR used_at IS NULL)
);
COMMENT ON COLUMN gateway_invite.request IS 'the certificate request that came with the code: another key has no use of it';
CREATE INDEX gateway_invite_of ON gateway_invite (gateway_id, invite_id DESC);
CREATE INDEX gateway_invite_used ON gateway_invite (used_at) WHERE used_at IS NOT NULL;

ALTER TABLE gateway_invite ENABLE ROW LEVEL SECURITY;
CREATE POLICY by_site ON gateway_invite TO dockledger_app
    USING (sees_site(site_id)) WITH CHECK (sees_site(site_id));
CREATE POLICY everywhere ON gateway_invite TO dockledger_auditor USING (true);
GRANT SELECT, INSERT ON gateway_invite TO dockledger_app;
GRANT UPDATE (revoked_at, revoked_by, used_at, request) ON gateway_invite TO dockledger_app;
GRANT SELECT (invite_id, gateway_id, site_id, made_at, made_by, expires_at, revoked_at, revoked_by, used_at)
    ON gateway_invite TO dockledger_auditor;
