-- Raised whenever all sessions of an account end: a login that was under way then begins none.
ALTER TABLE users ADD COLUMN session_epoch INTEGER NOT NULL DEFAULT 0;

CREATE TABLE sessions (
    id                 TEXT    NOT NULL PRIMARY KEY,      -- random UUID, the sid of tokens
    user_id            TEXT    NOT NULL,                  -- outlives the account, so that its tokens are still known
    issuer_spki_sha256 BLOB    CHECK (length(issuer_spki_sha256) = 32),
    san                TEXT,                              -- with its type; both or neither: who holds a bound token
    client_id          TEXT    NOT NULL,
    family             BLOB    NOT NULL UNIQUE,           -- SHA-256 of the part that all its tokens have in common
    generation         INTEGER NOT NULL,
    current            BLOB    NOT NULL,                  -- SHA-256 of the token that is good
    spent              BLOB,                              -- SHA-256 of the token before
    successor          BLOB,                              -- the current token, sealed under the spent one; erased soon
    retry_end          INTEGER,
    spent_by           BLOB,                              -- SHA-256 of the User-Agent
    audience           TEXT    NOT NULL,
    scope              TEXT,
    amr                TEXT    NOT NULL,                  -- separated by spaces
    created_at         INTEGER NOT NULL,
    last_used_at       INTEGER NOT NULL,
    idle_end           INTEGER NOT NULL,                  -- never after absolute_end, nor after its end
    absolute_end       INTEGER NOT NULL,
    source             TEXT,
    user_agent         TEXT,
    ended_at           INTEGER,
    end_reason         TEXT,
    CHECK ((issuer_spki_sha256 IS NULL) = (san IS NULL)),
    CHECK ((ended_at IS NULL) = (end_reason IS NULL)),
    CHECK ((spent IS NULL) = (retry_end IS NULL) AND (spent IS NULL) = (spent_by IS NULL))
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_by_user ON sessions (user_id, last_used_at) WHERE ended_at IS NULL;
CREATE INDEX sessions_by_end ON sessions (idle_end);
CREATE INDEX sessions_with_successor ON sessions (retry_end) WHERE successor IS NOT NULL;

CREATE TABLE revocations (
    number INTEGER NOT NULL PRIMARY KEY,                  -- in the order of commits, from revocation_counter
    kind   TEXT    NOT NULL CHECK (kind IN ('token', 'family', 'subject', 'all')),
    name   TEXT    NOT NULL,                              -- jti, sid, sub or nothing
    before INTEGER NOT NULL,                              -- tokens issued earlier; 0 for token and family
    exp    INTEGER NOT NULL                               -- when the last token concerned ends
) STRICT;

CREATE INDEX revocations_by_exp ON revocations (exp);

-- One row, locked until the revocations that took their numbers from it are committed: numbers appear in order.
CREATE TABLE revocation_counter (
    id   INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    last INTEGER NOT NULL
) STRICT;

INSERT INTO revocation_counter (id, last) VALUES (1, 0);

-- Where the published feed is: one row from the first document on, changed only from the position before.
CREATE TABLE revocation_feed (
    id        INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    position  TEXT    NOT NULL,                           -- FeedPosition as JSON: the feed's name, the last delta's number and digest
    seq       INTEGER NOT NULL,
    issued_at INTEGER NOT NULL,
    number    INTEGER NOT NULL                            -- the last revocation that a delta has published
) STRICT;

CREATE TABLE revocation_deltas (
    seq       INTEGER NOT NULL PRIMARY KEY,
    document  TEXT    NOT NULL,                           -- as signed
    issued_at INTEGER NOT NULL
) STRICT;
