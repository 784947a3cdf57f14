-- Secrets that sessions hold: one row for each, by a keyed fingerprint. No value is ever stored, and
-- sessions are named by their keys, so that all of it outlives a rebuilt index.

CREATE TABLE leak (
  id INTEGER PRIMARY KEY,
  fingerprint BLOB NOT NULL UNIQUE,         -- HMAC of the value with the local key
  kind TEXT NOT NULL,
  kind_set TEXT NOT NULL,
  confidence TEXT NOT NULL,                 -- certain | likely | possible
  first_seen_us INTEGER NOT NULL,           -- times of events
  last_seen_us INTEGER NOT NULL,
  resolved_us INTEGER,
  scrubbed_us INTEGER                       -- the archive's bytes of it were overwritten
) STRICT;

CREATE TABLE leak_session (
  id INTEGER PRIMARY KEY,
  origin TEXT NOT NULL,
  agent TEXT NOT NULL,
  native_id TEXT NOT NULL,
  altered_us INTEGER,                       -- its archive is not byte-identical since then
  UNIQUE (origin, agent, native_id)
) STRICT;

CREATE TABLE leak_event (
  leak INTEGER NOT NULL,
  session INTEGER NOT NULL,                 -- leak_session.id
  seq INTEGER NOT NULL,                     -- 0: the title
  type TEXT NOT NULL,                       -- of the event
  call_seq INTEGER NOT NULL,                -- of a result: the seq of its call; else 0
  count INTEGER NOT NULL,
  PRIMARY KEY (leak, session, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX leak_event_by_session ON leak_event (session, seq);
