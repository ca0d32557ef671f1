-- What replenishment proposes, with its arithmetic; at most one unsent proposal per site and item (DOMAIN D10).
CREATE TABLE proposal (
    proposal_id  text PRIMARY KEY CHECK (proposal_id ~ '^[0-9a-f]{32}$'),
    run_id       bigint NOT NULL REFERENCES planning_run,
    site_id      text NOT NULL REFERENCES site,
    item_id      bigint NOT NULL REFERENCES item,
    kind         text NOT NULL CHECK (kind IN ('order', 'expedite')),
    supplier     text REFERENCES supplier,
    quantity     numeric(20, 6) NOT NULL CHECK (quantity > 0),
    price        numeric(20, 6) CHECK (price >= 0),
    currency     text,
    value        numeric(26, 6),
    order_by     date NOT NULL,
    needed_by    date NOT NULL,
    arrives_on   date NOT NULL,
    summary      text NOT NULL,
    arithmetic   jsonb NOT NULL CHECK (jsonb_typeof(arithmetic) = 'object'),
    inputs_at    timestamptz NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    state        text NOT NULL DEFAULT 'proposed'
        CHECK (state IN ('proposed', 'accepted', 'changed', 'rejected', 'expired')),
    chosen       jsonb,
    reason       text,
    note         text,
    decided_at   timestamptz,
    decided_by   text,
    decision_id  bigint,
    settled_at   timestamptz,
    settled_why  text,
    CHECK ((state = 'proposed') = (decided_at IS NULL)),
    CHECK (state NOT IN ('proposed') OR settled_at IS NULL),
    CHECK (state NOT IN ('rejected', 'expired') OR settled_at IS NOT NULL)
);
COMMENT ON COLUMN proposal.value IS 'NULL: no price is known';
COMMENT ON COLUMN proposal.chosen IS 'What was ordered instead, where a person changed it';
COMMENT ON COLUMN proposal.settled_at IS 'Sent, rejected, expired or refused: no longer an unsent proposal of its cell';
CREATE UNIQUE INDEX proposal_unsent ON proposal (site_id, item_id) WHERE settled_at IS NULL;
CREATE INDEX proposal_listed ON proposal (site_id, created_at, proposal_id);
CREATE INDEX proposal_decision ON proposal (decision_id) WHERE decision_id IS NOT NULL;

GRANT SELECT, INSERT ON proposal TO dockledger_app;
GRANT UPDATE (state, chosen, reason, note, decided_at, decided_by, decision_id, settled_at, settled_why)
    ON proposal TO dockledger_app;
GRANT SELECT ON proposal TO dockledger_auditor, dockledger_planner;

ALTER TABLE proposal ENABLE ROW LEVEL SECURITY;
CREATE POLICY by_site ON proposal TO dockledger_app USING (sees_site(site_id)) WITH CHECK (sees_site(site_id));
CREATE POLICY everywhere ON proposal TO dockledger_auditor, dockledger_planner USING (true);
