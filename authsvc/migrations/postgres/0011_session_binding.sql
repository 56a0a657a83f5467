-- Whether the access tokens of a session are bound to the client's certificate (RFC 8705).
ALTER TABLE sessions ADD COLUMN bind_tokens boolean NOT NULL DEFAULT false;
