-- What moves demand beside its own past: promotions, holidays, disruptions, weather, prices. One table. A correction
-- or withdrawal is a further revision with the time from which it was known, so that a backtest sees what was known then.
ALTER TABLE site
    ADD COLUMN country text CHECK (country ~ '^[A-Z]{2}$'),
    ADD COLUMN region  text CHECK (length(region) BETWEEN 1 AND 16),
    ADD CHECK (region IS NULL OR country IS NOT NULL);
COMMENT ON COLUMN site.country IS 'ISO 3166-1 alpha-2; NULL: not stated, so no public holidays are known';
COMMENT ON COLUMN site.region IS 'Part of the country whose holidays differ, as the holidays package names it (ENG, BY, CA)';

CREATE SEQUENCE event_number;

CREATE TABLE event (
    event_id     bigint NOT NULL,
    revision     integer NOT NULL CHECK (revision > 0),
    site_id      text REFERENCES site,
    item_id      bigint REFERENCES item,
    category     text CHECK (length(category) BETWEEN 1 AND 128),
    from_day     date NOT NULL,
    to_day       date NOT NULL CHECK (to_day >= from_day),
    kind         text NOT NULL CHECK (kind IN ('promotion', 'holiday', 'disruption', 'weather', 'price', 'other')),
    name         text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    attributes   jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(attributes) = 'object'),
    effect_prior double precision CHECK (effect_prior > 0 AND effect_prior <= 100),
    known_at     timestamptz NOT NULL,
    source       text NOT NULL CHECK (source ~ '^[a-z][a-z0-9_.:-]{0,63}$'),
    reference    text NOT NULL CHECK (length(reference) BETWEEN 1 AND 200),
    is_withdrawn boolean NOT NULL DEFAULT false,
    reason       text NOT NULL DEFAULT '',
    author       text NOT NULL,
    recorded_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (event_id, revision),
    UNIQUE (source, reference, revision),
    CHECK (num_nonnulls(item_id, category) <= 1),
    CHECK (NOT is_withdrawn OR reason <> '')
);
COMMENT ON TABLE event IS 'Each row a revision; the greatest in force, and of a moment the greatest of those known by then';
COMMENT ON COLUMN event.site_id IS 'NULL: every site';
COMMENT ON COLUMN event.item_id IS 'NULL with category NULL: every item';
COMMENT ON COLUMN event.effect_prior IS 'Factor on demand that is expected before any data; NULL: none stated';
COMMENT ON COLUMN event.known_at IS 'From when anybody knew this revision: a forecast of an earlier moment does not see it';
COMMENT ON COLUMN event.reference IS 'What the source calls the event: the same again is the same event, or its correction';
CREATE INDEX event_days ON event (to_day, from_day);

GRANT SELECT, INSERT ON event TO dockledger_app;
GRANT USAGE ON SEQUENCE event_number TO dockledger_app;
GRANT SELECT ON event TO dockledger_auditor, dockledger_planner;
CREATE TRIGGER not_rewritten BEFORE UPDATE OR DELETE ON event FOR EACH ROW EXECUTE FUNCTION refuse_rewrite();
CREATE TRIGGER not_truncated BEFORE TRUNCATE ON event FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewrite();
ALTER TABLE event ENABLE ROW LEVEL SECURITY;
CREATE POLICY by_site ON event TO dockledger_app
    USING (site_id IS NULL OR sees_site(site_id)) WITH CHECK (site_id IS NULL OR sees_site(site_id));
CREATE POLICY everywhere ON event TO dockledger_auditor, dockledger_planner USING (true);
