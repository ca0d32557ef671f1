-- Messages that were delivered or given up are forgotten after a while; their age finds them.
CREATE INDEX webhook_event_occurred ON webhook_event (occurred_at);
