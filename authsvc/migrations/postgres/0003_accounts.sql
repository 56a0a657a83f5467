-- What an account is and may, and a seal over it. Rows of an older program have no seal: `authsvc user seal` gives them one.
ALTER TABLE users ADD COLUMN roles         text    COLLATE "C" NOT NULL DEFAULT '';  -- names with one space in between
ALTER TABLE users ADD COLUMN scopes        text    COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN second_factor boolean NOT NULL DEFAULT false;
ALTER TABLE users ADD COLUMN imported_as   text    COLLATE "C";                      -- shape of an imported hash, zeros for salt and tag
ALTER TABLE users ADD COLUMN seal          text    COLLATE "C";                      -- over everything but the hash, which has its own

CREATE INDEX users_by_imported_as ON users (imported_as) WHERE imported_as IS NOT NULL;

-- One link for each account at most; of the token its digest only.
CREATE TABLE password_resets (
    user_id      text   COLLATE "C" NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    token_sha256 bytea  NOT NULL UNIQUE CHECK (length(token_sha256) = 32),
    expires_at   bigint NOT NULL,
    seal         text   COLLATE "C" NOT NULL
);

-- Accounts of an import that is under way.
CREATE TABLE user_imports (
    import        text    COLLATE "C" NOT NULL,
    id            text    COLLATE "C" NOT NULL,
    email         text    COLLATE "C" NOT NULL,
    password_hash text    COLLATE "C" NOT NULL,
    disabled      boolean NOT NULL,
    created_at    bigint  NOT NULL,
    roles         text    COLLATE "C" NOT NULL,
    scopes        text    COLLATE "C" NOT NULL,
    second_factor boolean NOT NULL,
    imported_as   text    COLLATE "C",
    seal          text    COLLATE "C",
    PRIMARY KEY (import, email)
);
