-- Audit records. Times are microseconds since 1970-01-01T00:00:00Z. `line` is the record; every other column is taken
-- from it, to find it by.

CREATE TABLE audit_chains (
    id         text   COLLATE "C" NOT NULL PRIMARY KEY,
    replica    text   COLLATE "C" NOT NULL,
    started_at bigint             NOT NULL
);

CREATE INDEX audit_chains_by_replica ON audit_chains (replica, started_at);

CREATE TABLE audit_rows (
    chain     text    COLLATE "C" NOT NULL,
    row       bigint              NOT NULL CHECK (row > 0),
    time      bigint              NOT NULL,
    signed    boolean             NOT NULL,
    record_id text    COLLATE "C" NOT NULL,
    action    text    COLLATE "C" NOT NULL,
    outcome   text    COLLATE "C" NOT NULL,
    reason    text    COLLATE "C",
    user_id   text    COLLATE "C",
    account   text    COLLATE "C",                       -- the address or its pseudonym
    source    text    COLLATE "C",
    network   text    COLLATE "C",                       -- the source's IPv4 address or IPv6 /64
    line      text    COLLATE "C" NOT NULL,
    PRIMARY KEY (chain, row)
);

CREATE INDEX audit_rows_by_time ON audit_rows (time, chain, row);
CREATE INDEX audit_rows_by_record ON audit_rows (record_id);
CREATE INDEX audit_rows_by_user ON audit_rows (user_id, time) WHERE user_id IS NOT NULL;
CREATE INDEX audit_rows_by_account ON audit_rows (account, time) WHERE account IS NOT NULL;
CREATE INDEX audit_rows_by_network ON audit_rows (network, time) WHERE network IS NOT NULL;
