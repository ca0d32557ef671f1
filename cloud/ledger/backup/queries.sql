-- name: tables
SELECT c.relname, c.oid::bigint
FROM pg_class c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND c.relname <> 'schema_migration'
    AND NOT c.relispartition
ORDER BY c.relname;

-- name: table_references
SELECT DISTINCT f.conrelid::bigint, f.confrelid::bigint
FROM pg_constraint f
WHERE f.contype = 'f' AND f.connamespace = 'public'::regnamespace AND f.conrelid <> f.confrelid
ORDER BY 1, 2;

-- name: columns
SELECT a.attname
FROM pg_attribute a
WHERE a.attrelid = %(table)s::bigint::oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
ORDER BY a.attnum;

-- name: sequences
SELECT s.sequencename, s.last_value
FROM pg_sequences s
WHERE s.schemaname = 'public'
ORDER BY s.sequencename;

-- name: migrations
SELECT m.name, m.sha256
FROM schema_migration m
WHERE m.name NOT LIKE 'repeatable/%%'
ORDER BY m.name;

-- name: set_sequence
SELECT setval(format('public.%%I', %(sequence)s::text)::regclass, %(value)s::bigint, true);

-- name: new_ledger_id
UPDATE ledger_identity SET ledger_id = gen_random_uuid(), created_at = clock_timestamp()
RETURNING ledger_id::text;

-- name: pass_over_given
UPDATE sscc_series s
SET next_serial = greatest(s.next_serial, least(
    rpad('1', 17 - length(s.company_prefix), '0')::bigint,
    (SELECT max(o.next_serial) FROM sscc_series o
        WHERE (o.company_prefix, o.extension_digit) = (s.company_prefix, s.extension_digit)) + %(margin)s))
RETURNING s.site_id AS site, s.next_serial;

-- name: position
SELECT h.position, i.ledger_id::text FROM ledger_head h, ledger_identity i WHERE h.shard = 0;
