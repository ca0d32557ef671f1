-- What things are made of (DOMAIN D6): recipes with versions from an instant on, and by which of them, and how often, a
-- transformation is done. What was stated is never rewritten; a transformation's last statement holds.
CREATE TABLE recipe (
    code        text NOT NULL CHECK (code ~ '^[^/[:cntrl:]]{1,64}$'),
    version     integer NOT NULL CHECK (version > 0),
    kind        text NOT NULL CHECK (kind IN ('kit', 'dekit', 'repack')),
    valid_from  timestamptz NOT NULL,
    valid_until timestamptz CHECK (valid_until > valid_from),
    stated_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    stated_by   text NOT NULL,
    PRIMARY KEY (code, version),
    UNIQUE (code, valid_from)
);
COMMENT ON COLUMN recipe.valid_until IS 'NULL: until the next version; the instant itself no more';

CREATE TABLE recipe_line (
    code       text NOT NULL,
    version    integer NOT NULL,
    is_input   boolean NOT NULL,
    ordinal    integer NOT NULL CHECK (ordinal > 0),
    item_id    bigint NOT NULL REFERENCES item,
    quantity   numeric(20, 6) NOT NULL CHECK (quantity > 0),
    cost_share numeric(9, 6) CHECK (cost_share >= 0),
    PRIMARY KEY (code, version, is_input, ordinal),
    UNIQUE (code, version, is_input, item_id),
    CHECK (cost_share IS NULL OR NOT is_input),
    FOREIGN KEY (code, version) REFERENCES recipe
);
COMMENT ON COLUMN recipe_line.quantity IS 'In base units, for the recipe done once';
COMMENT ON COLUMN recipe_line.cost_share IS 'Percent of what went in that an output carries; NULL: by quantity';
CREATE INDEX recipe_line_item ON recipe_line (item_id);

CREATE TABLE transformation (
    site_id   text NOT NULL REFERENCES site,
    type      text NOT NULL CHECK (type IN ('kit', 'dekit', 'repack')),
    id        text NOT NULL CHECK (id <> ''),
    revision  integer NOT NULL CHECK (revision > 0),
    recipe    text NOT NULL,
    version   integer NOT NULL,
    times     numeric(20, 6) CHECK (times > 0),
    stated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    stated_by text NOT NULL,
    PRIMARY KEY (site_id, type, id, revision),
    FOREIGN KEY (recipe, version) REFERENCES recipe
);
COMMENT ON COLUMN transformation.times IS 'How often the recipe is to be done; NULL: nobody has said';

DO $$
DECLARE
    stated text;
BEGIN
    FOREACH stated IN ARRAY ARRAY['recipe', 'recipe_line', 'transformation'] LOOP
        EXECUTE format(
            'CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON %I '
            'FOR EACH ROW EXECUTE FUNCTION refuse_rewrite()', stated);
        EXECUTE format(
            'CREATE TRIGGER append_only_whole BEFORE TRUNCATE ON %I '
            'FOR EACH STATEMENT EXECUTE FUNCTION refuse_rewrite()', stated);
        EXECUTE format('GRANT SELECT, INSERT ON %I TO dockledger_app', stated);
        EXECUTE format('GRANT SELECT ON %I TO dockledger_auditor, dockledger_planner', stated);
    END LOOP;
END
$$;

ALTER TABLE transformation ENABLE ROW LEVEL SECURITY;
CREATE POLICY by_site ON transformation TO dockledger_app USING (sees_site(site_id)) WITH CHECK (sees_site(site_id));
CREATE POLICY everywhere ON transformation TO dockledger_auditor, dockledger_planner USING (true);

-- What the averages of a period are worked out from.
CREATE TYPE made_line AS (
    type text, id text, is_input boolean, item_id bigint, code text, quantity numeric, known_value numeric,
    open_quantity numeric, is_unknown boolean, standard numeric, share numeric, weight numeric);
COMMENT ON TYPE made_line IS 'What a transformation used or made of an item in a period. Of what it used known_value is what '
    'a part of it cost, and open_quantity is the rest, at the average of the period; standard is what one of an output '
    'costs by standard, share what it carries by the recipe, weight by how much all in all was made';

CREATE TYPE average_base AS (
    item_id bigint, opening numeric, before_cost numeric, bought numeric, value numeric, unpriced bigint, late numeric);
