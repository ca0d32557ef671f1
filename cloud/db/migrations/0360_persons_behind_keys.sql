-- For whom an API key acts: what its holder does with it counts as that person's own. A name is bound once and stays so,
-- as decisions and the audit chain name the key and not the person.
CREATE TABLE api_key_person (
    name     text PRIMARY KEY CHECK (name ~ '^[a-z0-9][a-z0-9._-]{0,63}$'),
    person   text NOT NULL REFERENCES app_user (name),
    bound_by text NOT NULL,
    bound_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE api_key_person IS 'Names of keys without a row act for nobody: a machine, which approves nothing';
CREATE INDEX api_key_person_person ON api_key_person (person);

-- Keys that one person made act for that person; those made in a shell for nobody, until an administrator says for whom.
INSERT INTO api_key_person (name, person, bound_by)
SELECT k.name, min(u.name), 'system:migration'
FROM api_key k LEFT JOIN app_user u ON k.created_by = 'user:' || u.name
GROUP BY k.name
HAVING count(u.name) = count(*) AND count(DISTINCT u.name) = 1;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON api_key_person
    FOR EACH ROW EXECUTE FUNCTION refuse_rewrite();
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON api_key_person
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewrite();

GRANT SELECT, INSERT ON api_key_person TO dockledger_app;
GRANT SELECT ON api_key_person TO dockledger_auditor;
