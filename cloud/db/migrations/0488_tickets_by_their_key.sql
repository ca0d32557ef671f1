-- What people were told last of something is found, also once the ticket is closed.
CREATE INDEX ticket_key ON ticket (dedup_key, ticket_id);
