-- Scopes, administrators, and several identities for one service.

ALTER TABLE services ADD COLUMN admin INTEGER NOT NULL DEFAULT 0 CHECK (admin IN (0, 1));

CREATE TABLE service_scopes (
    service TEXT NOT NULL REFERENCES services (name) ON DELETE CASCADE,
    scope   TEXT NOT NULL,
    PRIMARY KEY (service, scope)
) STRICT, WITHOUT ROWID;

-- All identities. The two columns of services hold the first one, for programs of the version before this one: what
-- those write there comes here through the triggers.
CREATE TABLE service_identities (
    issuer_spki_sha256 BLOB NOT NULL CHECK (length(issuer_spki_sha256) = 32),
    san                TEXT NOT NULL,
    service            TEXT NOT NULL REFERENCES services (name) ON DELETE CASCADE,
    PRIMARY KEY (issuer_spki_sha256, san)
) STRICT, WITHOUT ROWID;

CREATE INDEX service_identities_by_service ON service_identities (service);

INSERT INTO service_identities (issuer_spki_sha256, san, service)
    SELECT issuer_spki_sha256, san, name FROM services;

CREATE TRIGGER services_first_identity AFTER INSERT ON services BEGIN
    INSERT INTO service_identities (issuer_spki_sha256, san, service)
        VALUES (new.issuer_spki_sha256, new.san, new.name);
END;
