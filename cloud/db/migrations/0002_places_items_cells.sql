-- What things and places are called. Rows made by a posting carry its id and are covered by its digest.
CREATE TABLE site (
    site_id    text PRIMARY KEY CHECK (site_id ~ '^[A-Za-z0-9_-]{1,64}$'),
    name       text NOT NULL,
    time_zone  text NOT NULL DEFAULT 'UTC',
    currency   text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE gateway (
    gateway_id    integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name          text NOT NULL UNIQUE CHECK (name ~ '^[A-Za-z0-9_-]{1,64}$'),
    kind          text NOT NULL CHECK (kind IN ('edge', 'cloud')),
    site_id       text REFERENCES site,
    state         text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'paused', 'retired', 'unregistered')),
    credential    jsonb NOT NULL DEFAULT '{}',
    registered_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK (kind = 'cloud' OR site_id IS NOT NULL)
);
INSERT INTO gateway (name, kind) VALUES ('_cloud', 'cloud');

CREATE TABLE location (
    location_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site_id        text NOT NULL REFERENCES site,
    parent_id      bigint REFERENCES location,
    code           text NOT NULL,
    kind           text NOT NULL CHECK (kind IN ('network', 'site', 'zone', 'bin', 'virtual', 'unit')),
    is_provisional boolean NOT NULL DEFAULT false,
    posting_id     bigint,
    CHECK ((kind = 'virtual') = (code LIKE '@%'))
);
CREATE UNIQUE INDEX location_code ON location (site_id, code) WHERE kind <> 'unit';
CREATE UNIQUE INDEX location_unit ON location (code) WHERE kind = 'unit';
CREATE INDEX location_parent ON location (parent_id);
CREATE INDEX location_posting ON location (posting_id);

CREATE TABLE logistic_unit (
    location_id bigint PRIMARY KEY REFERENCES location,
    scheme      text NOT NULL CHECK (scheme IN ('sscc', 'grai', 'local')),
    instance    integer NOT NULL DEFAULT 1,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE item (
    item_id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code               text NOT NULL UNIQUE,
    name               text,
    category           text,
    base_unit          text NOT NULL DEFAULT 'each',
    is_integer_only    boolean NOT NULL DEFAULT false,
    is_provisional     boolean NOT NULL DEFAULT false,
    is_lot_controlled  boolean NOT NULL DEFAULT false,
    is_serialised      boolean NOT NULL DEFAULT false,
    shelf_life_days    integer CHECK (shelf_life_days > 0),
    attributes         jsonb NOT NULL DEFAULT '{}',
    created_at         timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE item_cost (
    item_id    bigint NOT NULL REFERENCES item,
    site_id    text NOT NULL REFERENCES site,
    valid_from timestamptz NOT NULL,
    cost       numeric(20, 6) NOT NULL CHECK (cost >= 0),
    currency   text NOT NULL,
    PRIMARY KEY (item_id, site_id, valid_from)
);

-- One seen unit of `value` holds numerator / denominator base units from `valid_from` on.
CREATE TABLE identifier (
    scheme      text NOT NULL CHECK (scheme IN ('gtin', 'sgtin', 'sku', 'supplier_code', 'local')),
    value       text NOT NULL,
    valid_from  timestamptz NOT NULL DEFAULT '-infinity',
    item_id     bigint NOT NULL REFERENCES item,
    numerator   bigint NOT NULL DEFAULT 1 CHECK (numerator > 0),
    denominator bigint NOT NULL DEFAULT 1 CHECK (denominator > 0),
    posting_id  bigint,
    PRIMARY KEY (scheme, value, valid_from)
);
CREATE INDEX identifier_item ON identifier (item_id);

-- Grows when a person or an import names something anew, so that writers forget what they remember.
CREATE TABLE master_revision (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    revision bigint NOT NULL
);
INSERT INTO master_revision VALUES (true, 0);
CREATE FUNCTION bump_master_revision() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE master_revision SET revision = revision + 1;
    RETURN NULL;
END
$$;
CREATE TRIGGER named_anew AFTER INSERT ON identifier
    FOR EACH ROW WHEN (NEW.posting_id IS NULL) EXECUTE FUNCTION bump_master_revision();
CREATE INDEX identifier_posting ON identifier (posting_id);

-- Resolving and merging: from this position on `from_item` reads as `to_item`; a later row takes it back.
CREATE TABLE item_alias (
    alias_id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    from_item   bigint NOT NULL REFERENCES item,
    to_item     bigint NOT NULL REFERENCES item,
    numerator   bigint NOT NULL DEFAULT 1 CHECK (numerator > 0),
    denominator bigint NOT NULL DEFAULT 1 CHECK (denominator > 0),
    posting_id  bigint NOT NULL
);
CREATE INDEX item_alias_from ON item_alias (from_item, alias_id);
CREATE INDEX item_alias_posting ON item_alias (posting_id);

CREATE TABLE cell (
    cell_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    item_id     bigint NOT NULL REFERENCES item,
    location_id bigint NOT NULL REFERENCES location,
    lot         text,
    disposition text,
    owner       text,
    site_id     text NOT NULL REFERENCES site,
    posting_id  bigint NOT NULL,
    UNIQUE NULLS NOT DISTINCT (item_id, location_id, lot, disposition, owner)
);
CREATE INDEX cell_location ON cell (location_id);
CREATE INDEX cell_site ON cell (site_id, cell_id);
CREATE INDEX cell_posting ON cell (posting_id);

CREATE TABLE balance (
    cell_id  bigint PRIMARY KEY,
    site_id  text NOT NULL,
    quantity numeric(26, 6) NOT NULL
) WITH (fillfactor = 80);
