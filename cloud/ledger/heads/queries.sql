-- name: head
SELECT i.ledger_id::text AS ledger_id, h.position, h.recorded_at, encode(h.chain, 'hex') AS chain
FROM ledger_identity i, ledger_head h
WHERE h.shard = 0 AND h.position > 0;

-- name: last_signed
SELECT s.position, s.signed_at FROM signed_head s ORDER BY s.position DESC LIMIT 1;

-- name: add_head
INSERT INTO signed_head (position, recorded_at, chain, signed_at, public_key, signature)
VALUES (%(position)s, %(recorded_at)s, decode(%(chain)s, 'hex'), %(signed_at)s, decode(%(public_key)s, 'hex'),
    decode(%(signature)s, 'hex'))
ON CONFLICT (position) DO NOTHING;

-- name: heads
SELECT i.ledger_id::text AS ledger_id, s.position, s.recorded_at, encode(s.chain, 'hex') AS chain, s.signed_at,
    encode(s.public_key, 'hex') AS public_key, encode(s.signature, 'hex') AS signature
FROM signed_head s, ledger_identity i
WHERE s.position > %(after)s
ORDER BY s.position
LIMIT %(limit)s;

-- name: chains
SELECT a.position, encode(e.chain, 'hex'), e.recorded_at
FROM unnest(%(positions)s::bigint[]) a (position)
LEFT JOIN ledger_entry e ON e.position = a.position
ORDER BY a.position;

-- name: identity
SELECT i.ledger_id::text FROM ledger_identity i;
