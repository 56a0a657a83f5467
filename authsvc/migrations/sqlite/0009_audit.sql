-- Audit records. Times are microseconds since 1970-01-01T00:00:00Z. `line` is the record; every other column is taken
-- from it, to find it by.

CREATE TABLE audit_chains (
    id         TEXT    NOT NULL PRIMARY KEY,
    replica    TEXT    NOT NULL,
    started_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX audit_chains_by_replica ON audit_chains (replica, started_at);

CREATE TABLE audit_rows (
    chain     TEXT    NOT NULL,
    row       INTEGER NOT NULL CHECK (row > 0),
    time      INTEGER NOT NULL,
    signed    INTEGER NOT NULL CHECK (signed IN (0, 1)),
    record_id TEXT    NOT NULL,
    action    TEXT    NOT NULL,
    outcome   TEXT    NOT NULL,
    reason    TEXT,
    user_id   TEXT,
    account   TEXT,                                      -- the address or its pseudonym
    source    TEXT,
    network   TEXT,                                      -- the source's IPv4 address or IPv6 /64
    line      TEXT    NOT NULL,
    PRIMARY KEY (chain, row)
) STRICT;

CREATE INDEX audit_rows_by_time ON audit_rows (time, chain, row);
CREATE INDEX audit_rows_by_record ON audit_rows (record_id);
CREATE INDEX audit_rows_by_user ON audit_rows (user_id, time) WHERE user_id IS NOT NULL;
CREATE INDEX audit_rows_by_account ON audit_rows (account, time) WHERE account IS NOT NULL;
CREATE INDEX audit_rows_by_network ON audit_rows (network, time) WHERE network IS NOT NULL;
