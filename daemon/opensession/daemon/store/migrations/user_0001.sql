-- What cannot be made again. Publishing, names and tombstones get tables of their own when built.

CREATE TABLE setting (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

-- Folders of agents that a client's environment told of; remembered as extra roots.
CREATE TABLE extra_root (
  agent TEXT NOT NULL,
  path TEXT NOT NULL,
  variable TEXT NOT NULL,
  first_seen_us INTEGER NOT NULL,
  PRIMARY KEY (agent, path)
) STRICT, WITHOUT ROWID;

-- What we changed outside our own folders, with hashes before and after; `uninstall` undoes it.
CREATE TABLE outside_change (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  path TEXT NOT NULL,
  sha256_before TEXT NOT NULL,
  sha256_after TEXT NOT NULL,
  backup TEXT NOT NULL DEFAULT '',
  made_us INTEGER NOT NULL,
  undone_us INTEGER
) STRICT;
