-- What is asked of a serial or a unit: every fact that names it, whatever else the ledger holds. Facts without serials
-- are in none of these. No list of entries that wait: whoever asks would read all of it.
CREATE INDEX movement_serial ON movement (identifier, occurred_at) WHERE identifier_scheme = 'sgtin';
CREATE INDEX movement_epcs ON movement USING gin ((detail -> 'epcs') jsonb_path_ops) WITH (fastupdate = off)
    WHERE detail ? 'epcs' AND NOT (identifier_scheme = 'sgtin' AND jsonb_array_length(detail -> 'epcs') = 1
        AND detail -> 'epcs' ->> 0 = identifier);
CREATE INDEX count_line_serial ON count_line (identifier, occurred_at) WHERE identifier_scheme = 'sgtin';
CREATE INDEX count_line_epcs ON count_line USING gin ((detail -> 'epcs') jsonb_path_ops) WITH (fastupdate = off)
    WHERE detail ? 'epcs';
-- What a tag named, in whichever way it was encoded: a logistic unit, or a trade item's instance.
CREATE INDEX crossing_named ON crossing (coalesce(detail ->> 'unit', detail -> 'identifier' ->> 'value'), occurred_at)
    WHERE detail ? 'unit' OR detail ? 'identifier';
