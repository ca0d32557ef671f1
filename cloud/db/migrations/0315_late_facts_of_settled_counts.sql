-- What arrives after a count was settled is looked up by place: a count lasts until its instant and uncertainty.
-- `uncertainty` is at most what any clock is believed (400 days): a gateway may claim seconds beyond any interval.
CREATE FUNCTION uncertainty(seconds double precision) RETURNS interval
    LANGUAGE sql IMMUTABLE STRICT SET search_path = public, pg_temp AS $$
    SELECT make_interval(secs => least(seconds, 34560000))
$$;

ALTER TABLE count_review ADD COLUMN location_id bigint, ADD COLUMN until_at timestamptz;
UPDATE count_review r SET location_id = c.location_id, until_at = c.occurred_at + uncertainty(c.clock_uncertainty_s)
FROM count c
WHERE c.gateway_id = r.gateway_id AND c.epoch = r.epoch AND c.seq = r.seq AND c.occurred_at = r.observed_at;
ALTER TABLE count_review ALTER COLUMN location_id SET NOT NULL, ALTER COLUMN until_at SET NOT NULL;
COMMENT ON COLUMN count_review.until_at IS 'Its instant and uncertainty: what occurred by then can change its book';
CREATE INDEX count_review_place ON count_review (location_id, until_at) WHERE settled_at IS NOT NULL;
CREATE INDEX count_review_until ON count_review (until_at) WHERE settled_at IS NOT NULL;

CREATE OR REPLACE FUNCTION review_count() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    INSERT INTO count_review (gateway_id, epoch, seq, observed_at, site_id, location_id, until_at)
    VALUES (NEW.gateway_id, NEW.epoch, NEW.seq, NEW.occurred_at, NEW.site_id, NEW.location_id,
        NEW.occurred_at + uncertainty(NEW.clock_uncertainty_s));
    RETURN NULL;
END
$$;

-- An approver who refuses what late facts would move lets the cell go: the count binds it no more.
ALTER TABLE count_anchor DROP CONSTRAINT count_anchor_state_check;
ALTER TABLE count_anchor ADD CONSTRAINT count_anchor_state_check CHECK (state IN ('bound', 'pending', 'released'));
COMMENT ON COLUMN count_anchor.state IS
    'bound: as of its instant the cell holds the count; pending: an approver is asked; released: they refused';
CREATE INDEX count_anchor_pending ON count_anchor (adjustment_id) WHERE state = 'pending';
