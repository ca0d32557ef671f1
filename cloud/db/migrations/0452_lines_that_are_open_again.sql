-- What a receipt ended is open again once a receipt of the line is taken back; it may end anew, so a line has several ends.
ALTER TABLE document_line_end DROP CONSTRAINT document_line_end_pkey,
    ADD COLUMN end_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY;
CREATE INDEX document_line_end_line ON document_line_end (site_id, type, id, line);

CREATE TABLE document_line_reopening (
    end_id       bigint PRIMARY KEY REFERENCES document_line_end,
    site_id      text NOT NULL,
    receipt      text NOT NULL,
    receipt_line text NOT NULL,
    reopened_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    FOREIGN KEY (site_id, receipt, receipt_line) REFERENCES receipt_line_reversal
);
COMMENT ON COLUMN document_line_reopening.receipt_line IS 'Whose reversal opened the line again';
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON document_line_reopening
    FOR EACH ROW EXECUTE FUNCTION refuse_rewrite();
CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON document_line_reopening
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewrite();
ALTER TABLE document_line_reopening ENABLE ROW LEVEL SECURITY;
CREATE POLICY by_site ON document_line_reopening TO dockledger_app
    USING (sees_site(site_id)) WITH CHECK (sees_site(site_id));
CREATE POLICY everywhere ON document_line_reopening TO dockledger_auditor, dockledger_planner USING (true);
GRANT SELECT, INSERT ON document_line_reopening TO dockledger_app;
GRANT SELECT ON document_line_reopening TO dockledger_auditor, dockledger_planner;

CREATE VIEW document_line_end_now WITH (security_invoker = true) AS
    SELECT e.end_id, e.site_id, e.type, e.id, e.line, e.reason, e.short, e.ended_at, e.ended_by
    FROM document_line_end e
    WHERE NOT EXISTS (SELECT FROM document_line_reopening o WHERE o.end_id = e.end_id);
COMMENT ON VIEW document_line_end_now IS 'Ends that hold: at most one of a line';
GRANT SELECT ON document_line_end_now TO dockledger_app, dockledger_auditor, dockledger_planner;
