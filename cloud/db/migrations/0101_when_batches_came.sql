-- *Live* counts the last half hour; batches arrive in the order of their time, so a small index finds them.
CREATE INDEX batch_received ON batch USING brin (received_at) WITH (pages_per_range = 16, autosummarize = on);
