-- Roles of the cluster. Run once by an administrator connection; running it again changes nothing.
-- `dockledger_owner` owns every object and cannot log in; nothing of ours connects as superuser.
DO $$
DECLARE
    login text;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'dockledger_owner') THEN
        CREATE ROLE dockledger_owner NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE;
    END IF;
    FOREACH login IN ARRAY ARRAY[
        'dockledger_migrator', 'dockledger_ingest', 'dockledger_app', 'dockledger_planner', 'dockledger_auditor'
    ] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = login) THEN
            EXECUTE format('CREATE ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE', login);
        END IF;
    END LOOP;
    IF NOT pg_has_role('dockledger_migrator', 'dockledger_owner', 'MEMBER') THEN
        GRANT dockledger_owner TO dockledger_migrator;
    END IF;
END
$$;
