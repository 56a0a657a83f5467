-- Raised whenever all sessions of an account end: a login that was under way then begins none.
ALTER TABLE users ADD COLUMN session_epoch bigint NOT NULL DEFAULT 0;

CREATE TABLE sessions (
    id                 text COLLATE "C" NOT NULL PRIMARY KEY, -- random UUID, the sid of tokens
    user_id            text COLLATE "C" NOT NULL,             -- outlives the account, so that its tokens are still known
    issuer_spki_sha256 bytea CHECK (length(issuer_spki_sha256) = 32),
    san                text COLLATE "C",                      -- with its type; both or neither: who holds a bound token
    client_id          text COLLATE "C" NOT NULL,
    family             bytea NOT NULL UNIQUE,                 -- SHA-256 of the part that all its tokens have in common
    generation         bigint NOT NULL,
    current            bytea NOT NULL,                        -- SHA-256 of the token that is good
    spent              bytea,                                 -- SHA-256 of the token before
    successor          bytea,                                 -- the current token, sealed under the spent one; erased soon
    retry_end          bigint,
    spent_by           bytea,                                 -- SHA-256 of the User-Agent
    audience           text COLLATE "C" NOT NULL,
    scope              text COLLATE "C",
    amr                text COLLATE "C" NOT NULL,             -- separated by spaces
    created_at         bigint NOT NULL,
    last_used_at       bigint NOT NULL,
    idle_end           bigint NOT NULL,                       -- never after absolute_end, nor after its end
    absolute_end       bigint NOT NULL,
    source             text COLLATE "C",
    user_agent         text COLLATE "C",
    ended_at           bigint,
    end_reason         text COLLATE "C",
    CHECK ((issuer_spki_sha256 IS NULL) = (san IS NULL)),
    CHECK ((ended_at IS NULL) = (end_reason IS NULL)),
    CHECK ((spent IS NULL) = (retry_end IS NULL) AND (spent IS NULL) = (spent_by IS NULL))
);

CREATE INDEX sessions_by_user ON sessions (user_id, last_used_at) WHERE ended_at IS NULL;
CREATE INDEX sessions_by_end ON sessions (idle_end);
CREATE INDEX sessions_with_successor ON sessions (retry_end) WHERE successor IS NOT NULL;

CREATE TABLE revocations (
    number             bigint NOT NULL PRIMARY KEY,           -- in the order of commits, from revocation_counter
    kind               text COLLATE "C" NOT NULL CHECK (kind IN ('token', 'family', 'subject', 'all')),
    name               text COLLATE "C" NOT NULL,             -- jti, sid, sub or nothing
    before             bigint NOT NULL,                       -- tokens issued earlier; 0 for token and family
    exp                bigint NOT NULL                        -- when the last token concerned ends
);

CREATE INDEX revocations_by_exp ON revocations (exp);

-- One row, locked until the revocations that took their numbers from it are committed: numbers appear in order.
CREATE TABLE revocation_counter (
    id                 bigint NOT NULL PRIMARY KEY CHECK (id = 1),
    last               bigint NOT NULL
);

INSERT INTO revocation_counter (id, last) VALUES (1, 0);

-- Where the published feed is: one row from the first document on, changed only from the position before.
CREATE TABLE revocation_feed (
    id                 bigint NOT NULL PRIMARY KEY CHECK (id = 1),
    position           text COLLATE "C" NOT NULL,             -- FeedPosition as JSON: the feed's name, the last delta's number and digest
    seq                bigint NOT NULL,
    issued_at          bigint NOT NULL,
    number             bigint NOT NULL                        -- the last revocation that a delta has published
);

CREATE TABLE revocation_deltas (
    seq                bigint NOT NULL PRIMARY KEY,
    document           text COLLATE "C" NOT NULL,             -- as signed
    issued_at          bigint NOT NULL
);
