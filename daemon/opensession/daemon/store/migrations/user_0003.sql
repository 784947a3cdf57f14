-- What people said of their sessions, which must outlive a rebuilt index. Sessions and sources are
-- named by keyed hashes, never by path or id.

CREATE TABLE tombstone (
  session BLOB PRIMARY KEY,                 -- of agent and native id
  source BLOB NOT NULL,                     -- of agent and path
  because BLOB NOT NULL,                    -- the session that said `#private`: its own, or a parent's
  alone INTEGER NOT NULL,                   -- 1: the source holds nothing else
  made_us INTEGER NOT NULL,
  released_us INTEGER                       -- `unforget`: taken in again since then
) STRICT, WITHOUT ROWID;

CREATE TABLE allowed (
  session BLOB PRIMARY KEY,                 -- may leave, whatever it holds of a blocked set
  made_us INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE pause (
  id INTEGER PRIMARY KEY,
  begun_us INTEGER NOT NULL,
  until_us INTEGER NOT NULL,
  ended_us INTEGER                          -- null: it goes on
) STRICT;

-- Each source as it was when a pause began; removed when it ends.
CREATE TABLE pause_begin (
  source BLOB PRIMARY KEY,
  ino INTEGER NOT NULL,
  size INTEGER NOT NULL,
  mtime_ns INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Bytes that were added to a source while a pause went on: never archived, never indexed.
CREATE TABLE pause_span (
  source BLOB NOT NULL,
  pause INTEGER NOT NULL,
  ino INTEGER NOT NULL,                     -- of the file that the bytes are counted in
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,                    -- exclusive
  PRIMARY KEY (source, pause)
) STRICT, WITHOUT ROWID;
