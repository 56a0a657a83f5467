-- What an account is and may, and a seal over it. Rows of an older program have no seal: `authsvc user seal` gives them one.
ALTER TABLE users ADD COLUMN roles         TEXT    NOT NULL DEFAULT '';       -- names with one space in between
ALTER TABLE users ADD COLUMN scopes        TEXT    NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN second_factor INTEGER NOT NULL DEFAULT 0 CHECK (second_factor IN (0, 1));
ALTER TABLE users ADD COLUMN imported_as   TEXT;                              -- shape of an imported hash, zeros for salt and tag
ALTER TABLE users ADD COLUMN seal          TEXT;                              -- over everything but the hash, which has its own

CREATE INDEX users_by_imported_as ON users (imported_as) WHERE imported_as IS NOT NULL;

-- One link for each account at most; of the token its digest only.
CREATE TABLE password_resets (
    user_id      TEXT    NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    token_sha256 BLOB    NOT NULL UNIQUE CHECK (length(token_sha256) = 32),
    expires_at   INTEGER NOT NULL,
    seal         TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

-- Accounts of an import that is under way.
CREATE TABLE user_imports (
    import        TEXT    NOT NULL,
    id            TEXT    NOT NULL,
    email         TEXT    NOT NULL,
    password_hash TEXT    NOT NULL,
    disabled      INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    roles         TEXT    NOT NULL,
    scopes        TEXT    NOT NULL,
    second_factor INTEGER NOT NULL,
    imported_as   TEXT,
    seal          TEXT,
    PRIMARY KEY (import, email)
) STRICT, WITHOUT ROWID;
