-- name: read_identity
SELECT site, gateway, boot_id, crc32 FROM identity WHERE one = 1;

-- name: write_identity
INSERT INTO identity (one, site, gateway, boot_id, crc32) VALUES (1, :site, :gateway, :boot_id, :crc32)
ON CONFLICT (one) DO UPDATE SET boot_id = excluded.boot_id;

-- name: epochs
SELECT epoch_no, epoch, base, last_id AS ended_id, sealed_id, last_batch_no, last_sha256, complete_until_us,
       ack_position, resend_answered, crc32
FROM epoch ORDER BY epoch_no;

-- name: add_epoch
INSERT INTO epoch (epoch_no, epoch, base, last_id, sealed_id, last_batch_no, last_sha256, complete_until_us,
                   opened_because, crc32)
VALUES (:epoch_no, :epoch, :base, :last_id, :sealed_id, :last_batch_no, :last_sha256, :complete_until_us,
        :opened_because, :crc32);

-- name: close_epoch
UPDATE epoch SET last_id = :last_id, crc32 = :crc32 WHERE epoch_no = :epoch_no;

-- name: note_sealed
UPDATE epoch SET sealed_id = :sealed_id, last_batch_no = :last_batch_no, last_sha256 = :last_sha256,
                 complete_until_us = :complete_until_us, crc32 = :crc32
WHERE epoch_no = :epoch_no;

-- name: note_ack
UPDATE epoch SET ack_position = :position, resend_answered = :resend_answered WHERE epoch_no = :epoch_no;

-- name: forget_acks
UPDATE epoch SET ack_position = -1, resend_answered = '';

-- name: drop_empty_epochs
DELETE FROM epoch
WHERE last_id = sealed_id AND NOT EXISTS (SELECT 1 FROM batch WHERE batch.epoch_no = epoch.epoch_no);

-- name: last_record_id
SELECT max(id) AS id FROM record;

-- name: add_records
INSERT INTO record (id, claimed_us, crc32, body) VALUES (?, ?, ?, ?);

-- name: records_after
SELECT id, claimed_us, crc32, body FROM record WHERE id > :after AND id <= :upto ORDER BY id LIMIT :limit;

-- name: drop_records
DELETE FROM record WHERE id BETWEEN :first_id AND :last_id;

-- name: add_batch
INSERT INTO batch (epoch_no, batch_no, state, first_id, last_id, oldest_us, acked_us, sha256, body)
VALUES (:epoch_no, :batch_no, :state, :first_id, :last_id, :oldest_us, :acked_us, :sha256, :body);

-- name: last_batch_id
SELECT max(id) AS id FROM batch;

-- name: next_unacked
SELECT id, epoch_no, batch_no, first_id, last_id, oldest_us, sha256, body FROM batch
WHERE state = 'unacked' AND (epoch_no, id) > (:after_epoch_no, :after_id) AND epoch_no <= :upto_epoch_no
ORDER BY epoch_no, id LIMIT 1;

-- name: unacked_batch
SELECT id, epoch_no, batch_no, first_id, last_id, oldest_us, sha256, body FROM batch
WHERE id = :id AND epoch_no = :epoch_no AND state = 'unacked';

-- name: batch_sha256
SELECT sha256 FROM batch WHERE epoch_no = :epoch_no AND batch_no = :batch_no;

-- name: ack_upto
UPDATE batch SET state = 'acked', acked_us = :acked_us
WHERE epoch_no = :epoch_no AND batch_no <= :batch_no AND state IN ('unacked', 'conflict')
RETURNING id;

-- name: ack_one
UPDATE batch SET state = 'acked', acked_us = :acked_us
WHERE epoch_no = :epoch_no AND batch_no = :batch_no AND state IN ('unacked', 'conflict')
RETURNING id;

-- name: mark_conflict
UPDATE batch SET state = 'conflict' WHERE epoch_no = :epoch_no AND batch_no = :batch_no AND state = 'unacked'
RETURNING id;

-- name: ask_about_conflicts
UPDATE batch SET state = 'unacked' WHERE state = 'conflict';

-- name: ask_about_some_conflicts
UPDATE batch SET state = 'unacked'
WHERE id IN (SELECT id FROM batch WHERE state = 'conflict' ORDER BY id LIMIT :most)
RETURNING id;

-- name: unack_range
UPDATE batch SET state = 'unacked', acked_us = NULL
WHERE epoch_no = :epoch_no AND batch_no BETWEEN :from_batch_no AND :to_batch_no AND state = 'acked'
RETURNING id;

-- name: unack_all
UPDATE batch SET state = 'unacked', acked_us = NULL WHERE state = 'acked' RETURNING id;

-- name: unacked_beside
SELECT 1 FROM batch WHERE state = 'unacked' AND epoch_no <> :epoch_no LIMIT 1;

-- name: stray_batch
SELECT batch_no FROM batch WHERE epoch_no NOT IN (SELECT epoch_no FROM epoch) LIMIT 1;

-- name: batch_before_first_owed
SELECT before.body AS body_before
FROM (SELECT min(batch_no) AS batch_no FROM batch WHERE epoch_no = :epoch_no AND state <> 'acked') AS owed
LEFT JOIN batch AS before ON before.epoch_no = :epoch_no AND before.batch_no = owed.batch_no - 1
WHERE owed.batch_no IS NOT NULL;

-- name: drop_acked_before
DELETE FROM batch WHERE id IN
    (SELECT id FROM batch WHERE state = 'acked' AND acked_us < :before_us ORDER BY id LIMIT :limit);

-- name: drop_oldest_acked
DELETE FROM batch WHERE id IN (SELECT id FROM batch WHERE state = 'acked' ORDER BY id LIMIT :limit);

-- name: unacked_totals
SELECT count(*), coalesce(sum(last_id - first_id + 1), 0) AS sealed_rows, min(nullif(oldest_us, 0)) AS oldest_us
FROM batch WHERE state = 'unacked';

-- name: count_by_state
SELECT state, count(*), sum(last_id - first_id + 1), sum(length(body)) FROM batch GROUP BY state ORDER BY state;

-- name: conflict_count
SELECT count(*) FROM batch WHERE state = 'conflict';

-- name: oldest_unsealed
SELECT body, crc32 FROM record WHERE id > :after ORDER BY id LIMIT 1;

-- name: oldest_record_us
SELECT nullif(claimed_us, 0) AS oldest_us FROM record ORDER BY id LIMIT 1;

-- name: ledgers
SELECT ledger_id, is_current FROM ledger ORDER BY ledger_id;

-- name: retire_ledgers
UPDATE ledger SET is_current = 0;

-- name: add_ledger
INSERT INTO ledger (ledger_id, is_current) VALUES (:ledger_id, 1)
ON CONFLICT (ledger_id) DO UPDATE SET is_current = 1;

-- name: adopt_batch
INSERT INTO batch (epoch_no, batch_no, state, first_id, last_id, oldest_us, acked_us, sha256, body)
VALUES (:epoch_no, :batch_no, :state, :first_id, :last_id, :oldest_us, :acked_us, :sha256, :body)
ON CONFLICT (epoch_no, batch_no) DO NOTHING;

-- name: send_as_bytes
INSERT INTO batch (epoch_no, batch_no, state, first_id, last_id, oldest_us, acked_us, sha256, body)
SELECT :epoch_no, coalesce(max(batch_no), 0) + 1, 'unacked', 1, 0, 0, NULL, :sha256, :body
FROM batch WHERE epoch_no = :epoch_no
HAVING NOT EXISTS (SELECT 1 FROM batch WHERE epoch_no = :epoch_no AND sha256 = :sha256);

-- name: add_salvage
INSERT INTO salvage (file) VALUES (:file) ON CONFLICT (file) DO NOTHING;

-- name: salvages
SELECT file, rows_upto, is_done FROM salvage ORDER BY file;

-- name: heed_salvage
INSERT INTO salvage (file, rows_upto, is_done) VALUES (:file, :rows_upto, :is_done)
ON CONFLICT (file) DO UPDATE SET rows_upto = max(rows_upto, excluded.rows_upto),
                                 is_done = max(is_done, excluded.is_done);

-- name: salvaged_upto
SELECT rows_upto FROM salvage WHERE file = :file;

-- name: note_salvaged_upto
UPDATE salvage SET rows_upto = :upto WHERE file = :file;

-- name: finish_salvage
UPDATE salvage SET is_done = 1 WHERE file = :file;

-- name: is_salvage_finished
SELECT 1 FROM salvage WHERE file = :file AND is_done = 1;

-- name: salvage_record
SELECT id, claimed_us, crc32, body FROM record WHERE id BETWEEN :first AND :last ORDER BY id;

-- name: salvage_record_backwards
SELECT id FROM record WHERE id BETWEEN :first AND :last ORDER BY id DESC;

-- name: salvage_batch
SELECT id, state, first_id, last_id, oldest_us, acked_us, sha256, body FROM batch
WHERE id BETWEEN :first AND :last ORDER BY id;

-- name: salvage_batch_backwards
SELECT id FROM batch NOT INDEXED WHERE id BETWEEN :first AND :last ORDER BY id DESC;

-- name: remember
INSERT INTO device_memory (device, body, crc32) VALUES (?, ?, ?)
ON CONFLICT (device) DO UPDATE SET body = excluded.body, crc32 = excluded.crc32;

-- name: recall
SELECT body AS kept, crc32 AS kept_crc32 FROM device_memory WHERE device = :device;

-- name: record_count
SELECT count(*) FROM record;

-- name: all_batches
SELECT epoch_no, batch_no, state, body FROM batch ORDER BY epoch_no, batch_no;

-- name: all_records
SELECT id, body FROM record ORDER BY id;

-- name: salvage_memory
SELECT device, body, crc32 FROM device_memory ORDER BY device;

-- name: adopt_memory
INSERT INTO device_memory (device, body, crc32) VALUES (:device, :body, :crc32)
ON CONFLICT (device) DO NOTHING;
