-- Which forecasts were found odd, week by week: the number that was expected though nothing changed, beside the real one.
CREATE TABLE forecast_review_setting (
    site_id       text PRIMARY KEY REFERENCES site,
    nominal       numeric(6, 5) NOT NULL DEFAULT 0.05 CHECK (nominal > 0 AND nominal <= 0.5),
    most_per_week integer CHECK (most_per_week > 0),
    owner         text CHECK (owner ~ '^(user|key):.+$'),
    due_days      integer NOT NULL DEFAULT 7 CHECK (due_days BETWEEN 1 AND 90),
    set_by        text NOT NULL,
    set_at        timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON COLUMN forecast_review_setting.most_per_week IS 'False reviews to be expected a week at most; lowers nominal; NULL: no such wish';

CREATE TABLE forecast_review (
    review_id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id     text NOT NULL REFERENCES site,
    run_id      bigint NOT NULL REFERENCES planning_run,
    last_day    date NOT NULL,
    horizon_days integer NOT NULL CHECK (horizon_days > 0),
    items       integer NOT NULL CHECK (items >= 0),
    judged      integer NOT NULL CHECK (judged BETWEEN 0 AND items),
    nominal     double precision NOT NULL CHECK (nominal > 0 AND nominal < 1),
    level       double precision NOT NULL,
    expected    double precision NOT NULL CHECK (expected >= 0),
    flagged     integer NOT NULL CHECK (flagged BETWEEN 0 AND judged),
    opened      integer NOT NULL CHECK (opened BETWEEN 0 AND flagged),
    past_shares real[] NOT NULL,
    is_drifting boolean NOT NULL,
    reviewed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (site_id, last_day)
);
COMMENT ON COLUMN forecast_review.last_day IS 'Last day whose demand was judged; a site is judged once in seven days';
COMMENT ON COLUMN forecast_review.level IS 'nominal, corrected by what it came to at the origins before';
COMMENT ON COLUMN forecast_review.opened IS 'Of the flagged those without an open ticket';
COMMENT ON COLUMN forecast_review.is_drifting IS 'More were flagged than weeks before and chance explain: the model is to be looked at';

CREATE TABLE forecast_review_item (
    review_id bigint NOT NULL REFERENCES forecast_review,
    item_id   bigint NOT NULL REFERENCES item,
    site_id   text NOT NULL REFERENCES site,
    trigger   text NOT NULL CHECK (trigger IN ('band', 'tracking_signal', 'cusum', 'bias')),
    statistic double precision NOT NULL,
    limit_at  double precision,
    chance    double precision NOT NULL CHECK (chance > 0 AND chance <= 1),
    error     real NOT NULL,
    PRIMARY KEY (review_id, item_id)
);
COMMENT ON COLUMN forecast_review_item.statistic IS 'Positive: more came than was forecast';
COMMENT ON COLUMN forecast_review_item.error IS 'Of the last horizon, base units: what came less what was forecast';
CREATE INDEX forecast_review_item_item ON forecast_review_item (site_id, item_id, review_id);

GRANT SELECT, INSERT, UPDATE ON forecast_review_setting TO dockledger_app;
GRANT SELECT, INSERT ON forecast_review, forecast_review_item TO dockledger_app;
GRANT SELECT ON forecast_review_setting, forecast_review, forecast_review_item TO dockledger_auditor, dockledger_planner;

DO $$
DECLARE
    guarded text;
BEGIN
    FOREACH guarded IN ARRAY ARRAY['forecast_review_setting', 'forecast_review', 'forecast_review_item'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', guarded);
        EXECUTE format(
            'CREATE POLICY by_site ON %I TO dockledger_app '
            'USING (sees_site(site_id)) WITH CHECK (sees_site(site_id))', guarded);
        EXECUTE format(
            'CREATE POLICY everywhere ON %I TO dockledger_auditor, dockledger_planner USING (true)', guarded);
    END LOOP;
END
$$;
