-- People, their roles, sessions and API keys (DESIGN 8, PROTOCOL P9). Secrets are stored only as hashes.

CREATE TABLE app_user (
    user_id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name          text NOT NULL UNIQUE CHECK (name ~ '^[a-z0-9][a-z0-9._-]{0,63}$'),
    password_hash text CHECK (password_hash LIKE '$argon2id$%'),
    created_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    disabled_at   timestamptz
);
COMMENT ON COLUMN app_user.password_hash IS 'NULL: this person logs in by link only';

CREATE TABLE role_grant (
    user_id    bigint NOT NULL REFERENCES app_user,
    role       text NOT NULL,
    site       text,
    granted_by text NOT NULL,
    granted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE NULLS NOT DISTINCT (user_id, role, site),
    CHECK (role IN ('operator', 'supervisor', 'inventory_controller', 'planner', 'buyer', 'approver',
                    'auditor', 'admin', 'device'))
);
COMMENT ON COLUMN role_grant.site IS 'NULL: every site, those not yet made included';

CREATE TABLE login_attempt (
    name         text PRIMARY KEY,
    failures     integer NOT NULL,
    locked_until timestamptz NOT NULL,
    last_at      timestamptz NOT NULL
);
COMMENT ON TABLE login_attempt IS 'By typed name, whether or not it exists, so that a lock betrays nobody';

CREATE TABLE session (
    token_sha256 bytea PRIMARY KEY CHECK (length(token_sha256) = 32),
    user_id      bigint NOT NULL REFERENCES app_user,
    created_at   timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL
);
CREATE INDEX session_by_user ON session (user_id);

CREATE TABLE login_link (
    token_sha256 bytea PRIMARY KEY CHECK (length(token_sha256) = 32),
    user_id      bigint NOT NULL REFERENCES app_user,
    expires_at   timestamptz NOT NULL,
    used_at      timestamptz
);
CREATE INDEX login_link_user ON login_link (user_id);

CREATE TABLE api_key (
    key_id       text PRIMARY KEY CHECK (key_id ~ '^[0-9a-f]{12}$'),
    key_sha256   bytea NOT NULL UNIQUE CHECK (length(key_sha256) = 32),
    name         text NOT NULL CHECK (name ~ '^[a-z0-9][a-z0-9._-]{0,63}$'),
    grants       text[] NOT NULL CHECK (cardinality(grants) > 0),
    created_by   text NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at   timestamptz NOT NULL,
    revoked_at   timestamptz,
    last_used_at timestamptz
);

GRANT SELECT, INSERT, UPDATE ON app_user, api_key, login_link TO dockledger_app;
GRANT SELECT, INSERT, DELETE ON role_grant TO dockledger_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON session, login_attempt TO dockledger_app;
