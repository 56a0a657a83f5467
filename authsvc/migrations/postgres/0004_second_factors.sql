-- Second factors. A table of its own: a program that does not know it can still read and write accounts.

CREATE TABLE second_factors (
    user_id    text   COLLATE "C" NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    id         text   COLLATE "C" NOT NULL,               -- random UUID: one enrolment
    secret     text   COLLATE "C" NOT NULL,               -- sealed to this column and user_id
    last_step  bigint NOT NULL CHECK (last_step >= 0),    -- of which a code was accepted; only grows
    enabled_at bigint NOT NULL
);

CREATE TABLE pending_second_factors (
    user_id    text   COLLATE "C" NOT NULL PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    secret     text   COLLATE "C" NOT NULL,               -- sealed to this column and user_id
    expires_at bigint NOT NULL
);

CREATE INDEX pending_second_factors_by_expiry ON pending_second_factors (expires_at);

CREATE TABLE recovery_codes (
    user_id text COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    id      text COLLATE "C" NOT NULL,                    -- random UUID
    digest  text COLLATE "C" NOT NULL,                    -- sealed to this column and user_id; the row goes when it is used
    PRIMARY KEY (user_id, id)
);
