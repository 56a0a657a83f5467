-- A seal over what a service may, and over whose a session is. Rows of an older program have none: `authsvc db seal` gives
-- them one.
ALTER TABLE services ADD COLUMN seal TEXT;
ALTER TABLE sessions ADD COLUMN seal TEXT;
