-- Documents of the last minutes that the resolver has looked at: their transactions may end in another order than they began.
CREATE TABLE resolver_paper (
    site_id text NOT NULL,
    type    text NOT NULL,
    id      text NOT NULL,
    seen_at timestamptz NOT NULL,
    PRIMARY KEY (site_id, type, id)
);
CREATE INDEX document_created ON document (created_at);
GRANT SELECT ON resolver_paper TO dockledger_app, dockledger_auditor, dockledger_planner;
