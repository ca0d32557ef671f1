-- What a count found against the book (DOMAIN D7). Until the site's watermark has passed a count, its variances
-- are derived whenever somebody looks; then they are settled, once, and stored here.
CREATE TABLE count_review (
    gateway_id     integer NOT NULL REFERENCES gateway,
    epoch          bigint NOT NULL,
    seq            bigint NOT NULL,
    observed_at    timestamptz NOT NULL,
    site_id        text NOT NULL REFERENCES site,
    settled_at     timestamptz,
    settled_by     text,
    forced_reason  text,
    as_of_position bigint,
    complete_until timestamptz,
    PRIMARY KEY (gateway_id, epoch, seq, observed_at),
    CHECK ((settled_at IS NULL) = (settled_by IS NULL)),
    CHECK (forced_reason IS NULL OR settled_at IS NOT NULL)
);
COMMENT ON COLUMN count_review.forced_reason IS 'Why a supervisor did not wait for the watermark; NULL: it had passed';
CREATE INDEX count_review_pending ON count_review (observed_at DESC, gateway_id DESC, epoch DESC, seq DESC) WHERE settled_at IS NULL;

CREATE FUNCTION review_count() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO count_review (gateway_id, epoch, seq, observed_at, site_id)
    VALUES (NEW.gateway_id, NEW.epoch, NEW.seq, NEW.occurred_at, NEW.site_id);
    RETURN NULL;
END
$$;
CREATE TRIGGER count_is_reviewed AFTER INSERT ON count FOR EACH ROW EXECUTE FUNCTION review_count();
INSERT INTO count_review (gateway_id, epoch, seq, observed_at, site_id)
SELECT gateway_id, epoch, seq, occurred_at, site_id FROM count;

-- A record of a count: an item at a place, and the lot, disposition and owner that were told apart. `line_no` is
-- that of its first line; what was in scope and not reported has negative numbers.
CREATE TABLE variance (
    gateway_id   integer NOT NULL,
    epoch        bigint NOT NULL,
    seq          bigint NOT NULL,
    observed_at  timestamptz NOT NULL,
    line_no      integer NOT NULL,
    site_id      text NOT NULL,
    item_id      bigint NOT NULL REFERENCES item,
    place_id     bigint NOT NULL REFERENCES location,
    lot          text,
    disposition  text,
    owner        text,
    counted      numeric,
    book         numeric NOT NULL,
    books        numeric[] NOT NULL,
    cost         numeric,
    currency     text,
    tolerance    jsonb NOT NULL,
    is_within    boolean,
    cells        jsonb NOT NULL,
    stated_cell  bigint,
    verdict      text NOT NULL CHECK (verdict IN ('within', 'beyond', 'unreported', 'superseded', 'adjusted')),
    subject      text NOT NULL,
    decision_id  bigint,
    changed_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (gateway_id, epoch, seq, observed_at, line_no),
    FOREIGN KEY (gateway_id, epoch, seq, observed_at) REFERENCES count_review,
    CHECK ((counted IS NULL) = (line_no < 0)),
    CHECK ((counted IS NULL) = (is_within IS NULL))
);
COMMENT ON COLUMN variance.books IS 'What the book can have been within the count''s uncertainty, ascending';
COMMENT ON COLUMN variance.cost IS 'Of one base unit, in force at the site when it was counted; NULL: not known';
COMMENT ON COLUMN variance.cells IS 'Cells of the record with their book, so that an adjustment binds the same ones';
CREATE UNIQUE INDEX variance_subject ON variance (subject);
CREATE INDEX variance_observed ON variance (observed_at DESC, gateway_id DESC, epoch DESC, seq DESC, line_no DESC);
CREATE INDEX variance_record ON variance (place_id, item_id, observed_at);
CREATE INDEX variance_open ON variance (observed_at) WHERE verdict IN ('beyond', 'unreported');

-- How much a record may be off. The most particular row counts: item before category before site before the rest.
CREATE TABLE count_tolerance (
    tolerance_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id      text REFERENCES site,
    item_id      bigint REFERENCES item,
    category     text,
    quantity     numeric CHECK (quantity >= 0),
    percent      numeric CHECK (percent >= 0),
    value        numeric CHECK (value >= 0),
    set_by       text NOT NULL,
    set_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE NULLS NOT DISTINCT (site_id, item_id, category),
    CHECK (item_id IS NULL OR category IS NULL),
    CHECK (num_nonnulls(quantity, percent, value) > 0)
);
COMMENT ON TABLE count_tolerance IS 'Every limit that is given must hold; where no row fits, every difference counts';

-- How far late facts have been looked through for counts that are settled but not decided.
CREATE TABLE counting_head (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    position bigint NOT NULL
);
INSERT INTO counting_head SELECT true, position FROM ledger_head WHERE shard = 0;

-- A unit stands where it was last put; its content counts as stock of that place.
CREATE INDEX unit_position_place ON unit_position (location_id, occurred_at) WHERE location_id IS NOT NULL;
CREATE INDEX unit_position_parent ON unit_position (parent_id, occurred_at) WHERE parent_id IS NOT NULL;
CREATE INDEX count_occurred ON count (occurred_at DESC, gateway_id DESC, epoch DESC, seq DESC);

GRANT SELECT, UPDATE (settled_at, settled_by, forced_reason, as_of_position, complete_until) ON count_review TO dockledger_app;
GRANT SELECT, INSERT ON variance TO dockledger_app;
GRANT UPDATE (book, books, cost, currency, is_within, cells, verdict, decision_id, changed_at) ON variance
    TO dockledger_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON count_tolerance TO dockledger_app;
GRANT SELECT, UPDATE ON counting_head TO dockledger_app;
GRANT SELECT ON count_review, variance, count_tolerance TO dockledger_auditor, dockledger_planner;
GRANT SELECT ON counting_head TO dockledger_auditor;

DO $$
DECLARE
    guarded text;
BEGIN
    FOREACH guarded IN ARRAY ARRAY['count_review', 'variance', 'count_tolerance'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', guarded);
        EXECUTE format('CREATE POLICY everywhere ON %I TO dockledger_auditor, dockledger_planner USING (true)', guarded);
    END LOOP;
    FOREACH guarded IN ARRAY ARRAY['count_review', 'variance'] LOOP
        EXECUTE format(
            'CREATE POLICY by_site ON %I TO dockledger_app '
            'USING (sees_site(site_id)) WITH CHECK (sees_site(site_id))', guarded);
    END LOOP;
END
$$;
CREATE POLICY by_site ON count_tolerance TO dockledger_app
    USING (site_id IS NULL OR sees_site(site_id))
    WITH CHECK (CASE WHEN site_id IS NULL THEN sees_site('*') ELSE sees_site(site_id) END);
