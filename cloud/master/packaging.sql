-- name: item_for_packaging
SELECT i.item_id, i.base_unit, i.is_integer_only, i.is_provisional FROM item i WHERE i.code = %(item)s FOR UPDATE;

-- name: levels_of_item
SELECT p.gtin, nullif(p.valid_from, '-infinity'), p.numerator, p.denominator, p.of_gtin
FROM packaging_level p WHERE p.item_id = %(item_id)s
ORDER BY p.gtin, p.valid_from;

-- name: gtins_named
SELECT d.value, nullif(d.valid_from, '-infinity'), d.numerator, d.denominator, d.item_id, i.code
FROM identifier d JOIN item i ON i.item_id = d.item_id
WHERE d.scheme = 'gtin' AND (d.item_id = %(item_id)s OR d.value = ANY (%(gtins)s::text[]))
ORDER BY d.value, d.valid_from;

-- name: measure_item
UPDATE item SET base_unit = %(base_unit)s, is_integer_only = %(is_integer_only)s WHERE item_id = %(item_id)s;

-- name: add_level
INSERT INTO packaging_level (gtin, valid_from, item_id, numerator, denominator, of_gtin, stated_by)
VALUES (%(gtin)s, coalesce(%(valid_from)s::timestamptz, '-infinity'), %(item_id)s, %(numerator)s, %(denominator)s, %(of)s,
    %(actor)s);

-- name: used_since
SELECT used_since(ARRAY[%(item_id)s]::bigint[], %(gtins)s::text[], coalesce(%(since_at)s::timestamptz, '-infinity'));

-- name: was_ever_used
SELECT was_ever_used(ARRAY[%(item_id)s]::bigint[]);

-- name: packaging_told
SELECT i.base_unit, i.is_integer_only, d.value, nullif(d.valid_from, '-infinity'), d.numerator, d.denominator,
    p.numerator, p.denominator, p.of_gtin
FROM item i
LEFT JOIN identifier d ON d.item_id = i.item_id AND d.scheme = 'gtin'
LEFT JOIN LATERAL (
    SELECT l.* FROM packaging_level l WHERE l.gtin = d.value AND l.valid_from <= d.valid_from
    ORDER BY l.valid_from DESC LIMIT 1) p ON true
WHERE i.code = %(item)s
ORDER BY d.value, d.valid_from;

-- name: audit_packaging
SELECT record_audit(%(actor)s, 'packaging_set', %(target)s, NULL, NULL, %(detail)s::jsonb);
