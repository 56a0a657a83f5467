-- A keyset's version is part of what seals it; it goes up with every replacement.
ALTER TABLE keysets ADD COLUMN version INTEGER NOT NULL DEFAULT 0 CHECK (version >= 0);

-- Which registered service fetched which public keys, so that no key signs before they have it.
CREATE TABLE key_consumers (
    service    TEXT    NOT NULL PRIMARY KEY REFERENCES services (name) ON DELETE CASCADE,
    fetched_at INTEGER NOT NULL,
    kids       TEXT    NOT NULL                           -- separated by spaces
) STRICT, WITHOUT ROWID;
