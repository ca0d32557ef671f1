-- The one approval machine (DESIGN keystone 4): every change that a person has to answer for is a decision, and every
-- step of it a row that nobody rewrites.
CREATE TABLE decision (
    decision_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind           text NOT NULL CHECK (kind ~ '^[a-z][a-z0-9_]{0,63}$'),
    site_id        text NOT NULL REFERENCES site,
    subject        text NOT NULL CHECK (length(subject) BETWEEN 1 AND 400),
    item           text,
    state          text NOT NULL DEFAULT 'draft'
        CHECK (state IN ('draft', 'submitted', 'approved', 'rejected', 'applied', 'reversed')),
    revision       integer NOT NULL DEFAULT 1 CHECK (revision > 0),
    author         text NOT NULL,
    contributors   text[] NOT NULL DEFAULT '{}',
    reason         text NOT NULL CHECK (reason ~ '^[a-z][a-z0-9_]{0,63}$'),
    note           text NOT NULL DEFAULT '',
    value          numeric(26, 6),
    currency       text,
    evidence       jsonb NOT NULL,
    inputs         jsonb NOT NULL,
    parameters     jsonb NOT NULL,
    effect         jsonb NOT NULL,
    approver       text,
    approved_as    text,
    verdict_reason text CHECK (verdict_reason ~ '^[a-z][a-z0-9_]{0,63}$'),
    verdict_note   text NOT NULL DEFAULT '',
    outcome        jsonb,
    created_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    submitted_at   timestamptz,
    decided_at     timestamptz,
    applied_at     timestamptz,
    reversed_at    timestamptz,
    CHECK (value IS NULL OR currency IS NOT NULL)
);
COMMENT ON COLUMN decision.item IS 'Code of the item whose limits it counts against; NULL: it concerns no one item';
COMMENT ON COLUMN decision.contributors IS 'Who else may not approve it as if it were another''s: who counted, who asked';
COMMENT ON COLUMN decision.value IS 'Signed, in the currency; NULL: unknown, which is above every limit';
COMMENT ON COLUMN decision.revision IS 'Grows when the content changes; an answer names the revision it was given to';

-- At most one decision on a subject stands; a rejected or reversed one makes room for the next.
CREATE UNIQUE INDEX decision_standing ON decision (kind, subject) WHERE state NOT IN ('rejected', 'reversed');
CREATE INDEX decision_waiting ON decision (submitted_at, decision_id) WHERE state = 'submitted';
CREATE INDEX decision_site ON decision (site_id, decision_id);

CREATE TABLE decision_step (
    decision_id bigint NOT NULL REFERENCES decision,
    step        integer NOT NULL CHECK (step > 0),
    site_id     text NOT NULL,
    from_state  text,
    to_state    text NOT NULL,
    revision    integer NOT NULL,
    actor       text NOT NULL,
    acting_as   text,
    reason      text,
    note        text NOT NULL DEFAULT '',
    value       numeric(26, 6),
    currency    text,
    detail      jsonb NOT NULL DEFAULT '{}',
    taken_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    audit_id    bigint NOT NULL,
    PRIMARY KEY (decision_id, step)
);
COMMENT ON COLUMN decision_step.detail IS 'What the step made of the decision: the content of a draft or revision, the outcome';
CREATE INDEX decision_step_approved ON decision_step (actor, taken_at) WHERE to_state = 'approved';

-- Up to what a role approves; the most particular row counts. Without any row an approver approves what is not
-- their own, whatever it is worth, and nobody else approves anything.
CREATE TABLE approval_limit (
    limit_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id      text REFERENCES site,
    kind         text CHECK (kind ~ '^[a-z][a-z0-9_]{0,63}$'),
    role         text NOT NULL CHECK (role IN ('operator', 'supervisor', 'inventory_controller', 'planner', 'buyer', 'approver')),
    currency     text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    self_limit   numeric(20, 6) NOT NULL DEFAULT 0 CHECK (self_limit >= 0),
    limit_amount numeric(20, 6) CHECK (limit_amount >= 0),
    set_by       text NOT NULL,
    set_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE NULLS NOT DISTINCT (site_id, kind, role, currency),
    CHECK (self_limit <= limit_amount)
);
COMMENT ON COLUMN approval_limit.site_id IS 'NULL: every site without a row of its own';
COMMENT ON COLUMN approval_limit.kind IS 'NULL: every kind without a row of its own';
COMMENT ON COLUMN approval_limit.self_limit IS 'What a person may approve of their own, together with the day''s others for the same item';
COMMENT ON COLUMN approval_limit.limit_amount IS 'NULL: whatever it is worth, an unknown value too';

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON decision_step
    FOR EACH ROW EXECUTE FUNCTION refuse_rewrite();
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON decision_step
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewrite();
CREATE TRIGGER not_deleted BEFORE DELETE ON decision FOR EACH ROW EXECUTE FUNCTION refuse_rewrite();
CREATE TRIGGER not_truncated BEFORE TRUNCATE ON decision FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewrite();

GRANT SELECT, INSERT, UPDATE ON decision TO dockledger_app;
GRANT SELECT ON decision_step TO dockledger_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON approval_limit TO dockledger_app;
GRANT SELECT ON decision, decision_step, approval_limit TO dockledger_auditor, dockledger_planner;

DO $$
DECLARE
    guarded text;
BEGIN
    FOREACH guarded IN ARRAY ARRAY['decision', 'decision_step', 'approval_limit'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', guarded);
        EXECUTE format(
            'CREATE POLICY by_site ON %I TO dockledger_app '
            'USING (site_id IS NULL OR sees_site(site_id)) WITH CHECK (site_id IS NULL OR sees_site(site_id))', guarded);
        EXECUTE format(
            'CREATE POLICY everywhere ON %I TO dockledger_auditor, dockledger_planner USING (true)', guarded);
    END LOOP;
END
$$;
