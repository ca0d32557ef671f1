-- The database itself refuses to rewrite history (DESIGN keystone 1): every role, the owner included.
CREATE FUNCTION refuse_rewrite() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on % refused: the ledger is append-only; post a reversal', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END
$$;

DO $$
DECLARE
    ledger_table text;
BEGIN
    FOREACH ledger_table IN ARRAY ARRAY[
        'ledger_entry', 'batch', 'movement', 'unit_position', 'crossing', 'count', 'count_line',
        'workflow_event', 'gap', 'cell', 'claim', 'identifier', 'item_alias', 'period_close',
        'period_balance', 'audit_event', 'cell_delta', 'cell_bucket'
    ] LOOP
        EXECUTE format(
            'CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON %I '
            'FOR EACH ROW EXECUTE FUNCTION refuse_rewrite()', ledger_table);
        EXECUTE format(
            'CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON %I '
            'FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewrite()', ledger_table);
    END LOOP;
    FOREACH ledger_table IN ARRAY ARRAY['quarantine', 'balance', 'ledger_head', 'audit_head', 'count_anchor'] LOOP
        EXECUTE format(
            'CREATE TRIGGER not_deleted BEFORE DELETE ON %I '
            'FOR EACH ROW EXECUTE FUNCTION refuse_rewrite()', ledger_table);
        EXECUTE format(
            'CREATE TRIGGER not_truncated BEFORE TRUNCATE ON %I '
            'FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewrite()', ledger_table);
    END LOOP;
END
$$;

-- Of a quarantined row only its settlement may change, and only once.
CREATE FUNCTION refuse_requarantine() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state <> 'held' OR
        (to_jsonb(NEW) - ARRAY['state', 'settled_at', 'settled_by', 'settled_posting']) <>
        (to_jsonb(OLD) - ARRAY['state', 'settled_at', 'settled_by', 'settled_posting'])
    THEN
        RAISE EXCEPTION 'quarantine row % may only be settled, once', OLD.quarantine_id
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER settled_once BEFORE UPDATE ON quarantine FOR EACH ROW EXECUTE FUNCTION refuse_requarantine();
