-- Which repository a folder belonged to, as git's own files said while they were there.

CREATE TABLE repository (
  folder TEXT PRIMARY KEY,                  -- that sessions were begun in
  root TEXT NOT NULL,
  remote TEXT NOT NULL,                     -- without user and password
  name TEXT NOT NULL,
  seen_us INTEGER NOT NULL                  -- it was this repository's until then, at least
) STRICT, WITHOUT ROWID;
