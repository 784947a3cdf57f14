-- What people call their sessions. Named by the sessions' keys, so that it outlives a rebuilt index.

CREATE TABLE session_name (
  id INTEGER PRIMARY KEY,
  origin TEXT NOT NULL,
  agent TEXT NOT NULL,
  native_id TEXT NOT NULL,
  alias TEXT NOT NULL DEFAULT '',           -- as it was given; empty: none
  alias_key TEXT,                           -- by which it is looked up; null: none
  note TEXT NOT NULL DEFAULT '',
  starred_us INTEGER,                       -- null: not starred
  changed_us INTEGER NOT NULL,
  UNIQUE (origin, agent, native_id),
  UNIQUE (alias_key)
) STRICT;

CREATE TABLE session_tag (
  session INTEGER NOT NULL,                 -- session_name.id
  tag TEXT NOT NULL,                        -- in small letters
  made_us INTEGER NOT NULL,
  PRIMARY KEY (session, tag)
) STRICT, WITHOUT ROWID;
