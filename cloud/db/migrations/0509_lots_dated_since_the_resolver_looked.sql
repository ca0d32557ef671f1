-- Lots whose date was stated since the resolver last looked: it looks at all of them at once.
CREATE TABLE resolver_dated (
    note_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    item_id bigint NOT NULL REFERENCES item,
    lot     text NOT NULL
);
GRANT SELECT ON resolver_dated TO dockledger_app, dockledger_auditor, dockledger_planner;
