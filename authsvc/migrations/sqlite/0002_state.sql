-- What programs may do with this database. Every replica looks at it twice a second.
CREATE TABLE database_state (
    id         INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    min_reader INTEGER NOT NULL,                          -- the oldest program that reads rightly
    min_writer INTEGER NOT NULL,                          -- the oldest program that also writes rightly
    read_only  INTEGER NOT NULL CHECK (read_only IN (0, 1)),
    changed_at INTEGER NOT NULL
) STRICT;

INSERT INTO database_state (id, min_reader, min_writer, read_only, changed_at) VALUES (1, 1, 1, 0, 0);
