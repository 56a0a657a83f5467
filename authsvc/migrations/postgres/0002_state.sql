-- What programs may do with this database. Every replica looks at it twice a second.
CREATE TABLE database_state (
    id         integer NOT NULL PRIMARY KEY CHECK (id = 1),
    min_reader bigint  NOT NULL,                          -- the oldest program that reads rightly
    min_writer bigint  NOT NULL,                          -- the oldest program that also writes rightly
    read_only  boolean NOT NULL,
    changed_at bigint  NOT NULL
);

INSERT INTO database_state (id, min_reader, min_writer, read_only, changed_at) VALUES (1, 1, 1, false, 0);
