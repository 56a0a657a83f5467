-- Times are seconds since 1970-01-01T00:00:00Z.

CREATE TABLE users (
    id            TEXT    NOT NULL PRIMARY KEY,           -- random UUID, the sub of tokens
    email         TEXT    NOT NULL UNIQUE,                -- canonical form
    password_hash TEXT    NOT NULL,                       -- PHC string, sealed to this column and id
    disabled      INTEGER NOT NULL CHECK (disabled IN (0, 1)),
    created_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE services (
    name               TEXT    NOT NULL PRIMARY KEY,
    issuer_spki_sha256 BLOB    NOT NULL CHECK (length(issuer_spki_sha256) = 32),
    san                TEXT    NOT NULL,                  -- with its type, such as dns:orders.internal
    created_at         INTEGER NOT NULL,
    UNIQUE (issuer_spki_sha256, san)
) STRICT, WITHOUT ROWID;

CREATE TABLE service_audiences (
    service  TEXT NOT NULL REFERENCES services (name) ON DELETE CASCADE,
    audience TEXT NOT NULL,
    PRIMARY KEY (service, audience)
) STRICT, WITHOUT ROWID;

CREATE INDEX service_audiences_by_audience ON service_audiences (audience);

CREATE TABLE keysets (
    name   TEXT NOT NULL PRIMARY KEY,
    sealed TEXT NOT NULL                                  -- sealed by the root key, bound to the name
) STRICT, WITHOUT ROWID;
