-- A line that had moved whole is open again once a movement of it is reversed, by whomever: kept, so that nobody has to
-- look through every reversal ever made. It leaves this list when it has moved whole again.
CREATE TABLE document_line_open_again (
    site_id text NOT NULL,
    type    text NOT NULL,
    id      text NOT NULL,
    line    text NOT NULL,
    PRIMARY KEY (site_id, type, id, line),
    FOREIGN KEY (site_id, type, id, line) REFERENCES document_line
);
ALTER TABLE document_line_open_again ENABLE ROW LEVEL SECURITY;
CREATE POLICY by_site ON document_line_open_again TO dockledger_app
    USING (sees_site(site_id)) WITH CHECK (sees_site(site_id));
CREATE POLICY everywhere ON document_line_open_again TO dockledger_auditor, dockledger_planner USING (true);
GRANT SELECT, DELETE ON document_line_open_again TO dockledger_app;
GRANT SELECT ON document_line_open_again TO dockledger_auditor, dockledger_planner;

CREATE FUNCTION open_lines_again() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off AS $$
BEGIN
    INSERT INTO document_line_open_again (site_id, type, id, line)
    SELECT DISTINCT l.site_id, l.type, l.id, l.line
    FROM movement m
    CROSS JOIN LATERAL jsonb_array_elements(m.detail -> 'documents') d
    JOIN document_line l ON (l.site_id, l.type, l.id, l.line) = (m.site_id, d ->> 'type', d ->> 'id', d ->> 'line')
    WHERE (m.gateway_id, m.epoch, m.seq) = (NEW.reverses_gateway, NEW.reverses_epoch, NEW.reverses_seq)
        AND EXISTS (SELECT FROM claim c WHERE c.kind = 'document_line'
            AND c.target = l.site_id || '/' || l.type || '/' || l.id || '/' || l.line)
    ORDER BY 1, 2, 3, 4
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION open_lines_again() FROM PUBLIC;
CREATE TRIGGER open_lines_again AFTER INSERT ON movement
    FOR EACH ROW WHEN (NEW.reverses_seq IS NOT NULL) EXECUTE FUNCTION open_lines_again();

INSERT INTO document_line_open_again (site_id, type, id, line)
SELECT DISTINCT l.site_id, l.type, l.id, l.line
FROM claim x
JOIN gateway g ON g.name = split_part(x.target, '/', 1)
JOIN movement m ON m.gateway_id = g.gateway_id
    AND m.epoch = ('x' || split_part(x.target, '/', 2))::bit(64)::bigint AND m.seq = split_part(x.target, '/', 3)::bigint
CROSS JOIN LATERAL jsonb_array_elements(m.detail -> 'documents') d
JOIN document_line l ON (l.site_id, l.type, l.id, l.line) = (m.site_id, d ->> 'type', d ->> 'id', d ->> 'line')
WHERE x.kind = 'reversal';

-- What a receipt ended is open again by any reversal of it, not only by one on the receipt's own page.
ALTER TABLE document_line_reopening DROP CONSTRAINT document_line_reopening_site_id_receipt_receipt_line_fkey,
    ADD FOREIGN KEY (site_id, receipt, receipt_line) REFERENCES receipt_line;
COMMENT ON COLUMN document_line_reopening.receipt_line IS 'Of which a movement was reversed';
