-- What a scanner's user is in the middle of, committed together with the rows that their scans made.
CREATE TABLE device_memory (
    device TEXT PRIMARY KEY,
    body   BLOB NOT NULL,
    crc32  INTEGER NOT NULL
);
