-- Lines of documents that have moved whole by what handhelds received, so that what is long done is not derived anew at every look:
-- noted by a job behind the scans, forgotten as soon as anything that they rest on is taken back or said otherwise (DOMAIN D4).
CREATE TABLE line_scanned_whole (
    site_id text NOT NULL,
    type    text NOT NULL,
    id      text NOT NULL,
    line    text NOT NULL,
    number  text NOT NULL,
    PRIMARY KEY (site_id, type, id, line)
);
COMMENT ON COLUMN line_scanned_whole.number IS 'Under which it was scanned: of the ASN that delivers it, or of the order itself';
CREATE INDEX line_scanned_whole_number ON line_scanned_whole (site_id, number);
GRANT SELECT ON line_scanned_whole TO dockledger_app, dockledger_auditor, dockledger_planner;
CREATE INDEX line_scanned_whole_of ON line_scanned_whole (site_id, id);
