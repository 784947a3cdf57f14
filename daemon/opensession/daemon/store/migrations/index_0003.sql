-- Since when a session was only appended to: what was sent of it before that may differ now.

ALTER TABLE session ADD COLUMN settled_us INTEGER NOT NULL DEFAULT 0;
