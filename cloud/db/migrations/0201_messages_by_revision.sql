-- The next revision of a gateway's messages is found without reading all of them.
CREATE INDEX gateway_message_revision ON gateway_message (gateway_id, channel, revision);
