-- Times are seconds since 1970-01-01T00:00:00Z. Text is compared by bytes, as this program compares it, whatever the
-- database's locale.

CREATE TABLE users (
    id            text   COLLATE "C" NOT NULL PRIMARY KEY,    -- random UUID, the sub of tokens
    email         text   COLLATE "C" NOT NULL UNIQUE,         -- canonical form
    password_hash text   COLLATE "C" NOT NULL,                -- PHC string, sealed to this column and id
    disabled      boolean            NOT NULL,
    created_at    bigint             NOT NULL
);

CREATE TABLE services (
    name               text  COLLATE "C" NOT NULL PRIMARY KEY,
    issuer_spki_sha256 bytea             NOT NULL CHECK (length(issuer_spki_sha256) = 32),
    san                text  COLLATE "C" NOT NULL,            -- with its type, such as dns:orders.internal
    created_at         bigint            NOT NULL,
    UNIQUE (issuer_spki_sha256, san)
);

CREATE TABLE service_audiences (
    service  text COLLATE "C" NOT NULL REFERENCES services (name) ON DELETE CASCADE,
    audience text COLLATE "C" NOT NULL,
    PRIMARY KEY (service, audience)
);

CREATE INDEX service_audiences_by_audience ON service_audiences (audience);

CREATE TABLE keysets (
    name   text COLLATE "C" NOT NULL PRIMARY KEY,
    sealed text COLLATE "C" NOT NULL                          -- sealed by the root key, bound to the name
);
