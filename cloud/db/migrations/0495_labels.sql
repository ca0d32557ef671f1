-- Labels (DOMAIN D8): templates that a site edits, blocks of serial references for printing offline, what was printed.
CREATE TABLE label_template (
    site_id     text NOT NULL REFERENCES site,
    name        text NOT NULL CHECK (name ~ '^[a-z0-9][a-z0-9-]{0,31}$'),
    version     integer NOT NULL CHECK (version > 0),
    kind        text NOT NULL CHECK (kind IN ('sscc', 'bin', 'item', 'badge', 'command')),
    dots_per_mm smallint NOT NULL CHECK (dots_per_mm IN (6, 8, 12, 24)),
    zpl         text NOT NULL CHECK (length(zpl) BETWEEN 1 AND 8000),
    reason      text NOT NULL,
    set_by      text NOT NULL,
    set_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (site_id, name, version)
);
COMMENT ON TABLE label_template IS 'Versions are added and never changed; the last one counts';

-- Each serial reference is in one block at most, whatever site or gateway has it: `numbers` are the 17 digits of its
-- SSCCs without the check digit.
CREATE TABLE sscc_block (
    block_id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id         text NOT NULL REFERENCES site,
    gateway_id      integer NOT NULL REFERENCES gateway,
    shelf           bigint NOT NULL,
    company_prefix  text NOT NULL CHECK (company_prefix ~ '^[0-9]{4,12}$'),
    extension_digit smallint NOT NULL CHECK (extension_digit BETWEEN 0 AND 9),
    first_serial    bigint NOT NULL CHECK (first_serial >= 0),
    last_serial     bigint NOT NULL,
    numbers         int8range NOT NULL,
    reserved_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    reserved_by     text NOT NULL,
    CHECK (upper(numbers) - lower(numbers) = last_serial - first_serial + 1),
    EXCLUDE USING gist (numbers WITH &&)
);
COMMENT ON COLUMN sscc_block.shelf IS 'The file of the gateway that it was reserved for: one that begins anew gets other numbers';
CREATE INDEX sscc_block_gateway ON sscc_block (gateway_id, block_id DESC);
CREATE INDEX sscc_block_site ON sscc_block (site_id, block_id DESC);

-- What the cloud itself printed or exported; what gateways printed stands in their records.
CREATE TABLE label_print (
    print_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id    text NOT NULL REFERENCES site,
    kind       text NOT NULL,
    template   text NOT NULL,
    version    integer NOT NULL,
    subject    text NOT NULL,
    copies     integer NOT NULL CHECK (copies > 0),
    way        text NOT NULL CHECK (way IN ('printer', 'pdf', 'zpl')),
    reason     text CHECK (reason <> ''),
    printed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    printed_by text NOT NULL
);
COMMENT ON COLUMN label_print.reason IS 'Of a reprint; null: the first print of this SSCC, or a label of which there may be many';
CREATE INDEX label_print_site ON label_print (site_id, print_id DESC);
CREATE INDEX label_print_subject ON label_print (subject, print_id DESC);
CREATE INDEX workflow_event_label ON workflow_event (site_id, occurred_at DESC) WHERE workflow = 'label';

DO $$
DECLARE
    guarded text;
BEGIN
    FOREACH guarded IN ARRAY ARRAY['label_template', 'sscc_block', 'label_print'] LOOP
        EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON %I '
            'FOR EACH ROW EXECUTE FUNCTION refuse_rewrite()', guarded);
        EXECUTE format('CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON %I '
            'FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewrite()', guarded);
        EXECUTE format('GRANT SELECT ON %I TO dockledger_app, dockledger_auditor, dockledger_planner', guarded);
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', guarded);
        EXECUTE format('CREATE POLICY by_site ON %I TO dockledger_app '
            'USING (sees_site(site_id)) WITH CHECK (sees_site(site_id))', guarded);
        EXECUTE format('CREATE POLICY everywhere ON %I TO dockledger_auditor, dockledger_planner USING (true)', guarded);
    END LOOP;
END
$$;
GRANT INSERT ON label_template, label_print TO dockledger_app;
