-- Scopes, administrators, and several identities for one service.

ALTER TABLE services ADD COLUMN admin boolean NOT NULL DEFAULT false;

CREATE TABLE service_scopes (
    service text COLLATE "C" NOT NULL REFERENCES services (name) ON DELETE CASCADE,
    scope   text COLLATE "C" NOT NULL,
    PRIMARY KEY (service, scope)
);

-- All identities. The two columns of services hold the first one, for programs of the version before this one: what
-- those write there comes here through the trigger.
CREATE TABLE service_identities (
    issuer_spki_sha256 bytea            NOT NULL CHECK (length(issuer_spki_sha256) = 32),
    san                text COLLATE "C" NOT NULL,
    service            text COLLATE "C" NOT NULL REFERENCES services (name) ON DELETE CASCADE,
    PRIMARY KEY (issuer_spki_sha256, san)
);

CREATE INDEX service_identities_by_service ON service_identities (service);

INSERT INTO service_identities (issuer_spki_sha256, san, service)
    SELECT issuer_spki_sha256, san, name FROM services;

CREATE FUNCTION services_first_identity() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO service_identities (issuer_spki_sha256, san, service)
        VALUES (new.issuer_spki_sha256, new.san, new.name);
    RETURN NULL;
END $$;

CREATE TRIGGER services_first_identity AFTER INSERT ON services
    FOR EACH ROW EXECUTE FUNCTION services_first_identity();
