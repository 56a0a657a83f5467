-- Failed logins. Names are digested under a key that is not in clear in this database. Times are seconds since
-- 1970-01-01T00:00:00Z.

CREATE TABLE attempts (
    key           INTEGER NOT NULL PRIMARY KEY,           -- digest of what is counted; 0 is the floor of new counters
    used          INTEGER NOT NULL CHECK (used >= 0),     -- failed, or under way
    failed        INTEGER NOT NULL CHECK (failed >= 0),
    ends_at       INTEGER NOT NULL,                       -- when the failures are forgotten
    lease_ends_at INTEGER NOT NULL,                       -- when those under way count as failed
    account       INTEGER NOT NULL                        -- digest of the account, or 0
) STRICT;

CREATE TABLE known_sources (
    account INTEGER NOT NULL,                             -- digest of the account
    source  INTEGER NOT NULL,                             -- digest of account and source
    seen_at INTEGER NOT NULL,                             -- last login, give or take a day
    PRIMARY KEY (account, source)
) STRICT, WITHOUT ROWID;
