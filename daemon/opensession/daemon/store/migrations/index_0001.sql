-- Everything here can be made again from archive and sources. Times are integer microseconds UTC.

CREATE TABLE source (
  id INTEGER PRIMARY KEY,
  agent TEXT NOT NULL,
  root TEXT NOT NULL,
  path TEXT NOT NULL,                       -- with agent the identity of a source
  dev INTEGER NOT NULL DEFAULT 0,           -- as they were when it was last read
  ino INTEGER NOT NULL DEFAULT 0,
  size INTEGER NOT NULL DEFAULT 0,
  mtime_ns INTEGER NOT NULL DEFAULT 0,
  offset INTEGER NOT NULL DEFAULT 0,        -- logical bytes read; the cursor's offset
  cursor BLOB,                              -- msgpack of parsers.agent.Cursor
  generation INTEGER NOT NULL DEFAULT 1,    -- of the bytes: raised when archived ones changed
  archived_len INTEGER NOT NULL DEFAULT 0,  -- logical bytes of this generation in the archive
  archive_size INTEGER NOT NULL DEFAULT 0,  -- size of the archive file after that; 0: unknown
  archive_frames INTEGER NOT NULL DEFAULT 0, -- written since the file was merged
  archive_gap INTEGER NOT NULL DEFAULT 0,   -- 1: a frame was left out, for lack of room
  parser_version INTEGER NOT NULL DEFAULT 0,
  strip_version INTEGER NOT NULL DEFAULT 0,
  state TEXT NOT NULL DEFAULT 'new',        -- new | ok | gone | refused | error
  error TEXT NOT NULL DEFAULT '',           -- a reason without any text of the source
  retries INTEGER NOT NULL DEFAULT 0,
  skipped TEXT NOT NULL DEFAULT '{}',       -- JSON {reason: lines}
  unknown TEXT NOT NULL DEFAULT '{}',       -- JSON {record type: count}
  missing_bytes INTEGER NOT NULL DEFAULT 0, -- read once, neither archived nor on disk any more
  suffix INTEGER NOT NULL DEFAULT 1,        -- n: its session is `<id>.<n>` (same id, other content)
  first_seen_us INTEGER NOT NULL,
  read_us INTEGER NOT NULL DEFAULT 0,
  UNIQUE (agent, path)
) STRICT;

CREATE INDEX source_unread ON source (id) WHERE cursor IS NULL;

CREATE TABLE session (
  id INTEGER PRIMARY KEY,                   -- the high bits of its events' keys
  origin TEXT NOT NULL DEFAULT 'local',
  agent TEXT NOT NULL,
  native_id TEXT NOT NULL,                  -- `id` in every output
  short TEXT NOT NULL,
  source INTEGER REFERENCES source(id),     -- whose bytes it is made of
  secondary INTEGER NOT NULL DEFAULT 0,     -- carried inside another session's source
  role TEXT NOT NULL DEFAULT 'primary',
  parent TEXT NOT NULL DEFAULT '',          -- native id of the parent, same agent
  parent_call_id TEXT NOT NULL DEFAULT '',
  generation INTEGER NOT NULL DEFAULT 1,    -- of the events: raised when nothing of them stayed
  provider TEXT NOT NULL DEFAULT '',
  model TEXT NOT NULL DEFAULT '',
  tool_version TEXT NOT NULL DEFAULT '',
  title TEXT NOT NULL DEFAULT '',           -- the agent's own, else the first typed prompt; cut
  description TEXT NOT NULL DEFAULT '',
  cwd TEXT NOT NULL DEFAULT '',
  last_cwd TEXT NOT NULL DEFAULT '',
  git_root TEXT NOT NULL DEFAULT '',        -- of cwd, as found on this machine
  git_repo_name TEXT NOT NULL DEFAULT '',
  git_remote TEXT NOT NULL DEFAULT '',
  git_branch TEXT NOT NULL DEFAULT '',
  git_commit TEXT NOT NULL DEFAULT '',
  created_us INTEGER NOT NULL DEFAULT 0,    -- smallest event time
  updated_us INTEGER NOT NULL DEFAULT 0,    -- largest event time
  event_count INTEGER NOT NULL DEFAULT 0,   -- = the largest seq
  message_count INTEGER NOT NULL DEFAULT 0,
  user_message_count INTEGER NOT NULL DEFAULT 0,
  tool_call_count INTEGER NOT NULL DEFAULT 0,
  error_count INTEGER NOT NULL DEFAULT 0,
  lines_added INTEGER NOT NULL DEFAULT 0,
  lines_removed INTEGER NOT NULL DEFAULT 0,
  ended INTEGER NOT NULL DEFAULT 0,
  parser_version INTEGER NOT NULL DEFAULT 0,
  strip_version INTEGER NOT NULL DEFAULT 0,
  redactions TEXT NOT NULL DEFAULT '{}',    -- JSON {kind: count}
  reread BLOB,                              -- msgpack of store.reread.Reread while that goes on
  info BLOB NOT NULL,                       -- msgpack of core.hail.SessionInfo as last given
  UNIQUE (origin, agent, native_id)
) STRICT;
CREATE INDEX session_by_time ON session (updated_us DESC);
CREATE INDEX session_by_short ON session (short);
CREATE INDEX session_by_native_id ON session (native_id);
CREATE INDEX session_by_parent ON session (agent, parent) WHERE parent <> '';
CREATE INDEX session_by_source ON session (source);

CREATE TABLE event (
  id INTEGER PRIMARY KEY,                   -- session << 24 | seq; also the key of its search entry
  event_id TEXT NOT NULL,
  time_us INTEGER NOT NULL,
  type INTEGER NOT NULL,                    -- store.body.TYPES; 0: the name is in the body
  flags INTEGER NOT NULL DEFAULT 0,         -- 1 error
  task TEXT,
  body BLOB NOT NULL
) STRICT;
CREATE INDEX event_errors ON event (time_us) WHERE flags & 1;
-- The order in which a session is shown, for pages that do not read the whole of it.
CREATE INDEX event_by_time ON event (id >> 24, time_us);
-- Finds an id within its session; the ends of ids differ where their beginnings do not.
CREATE INDEX event_by_event_id ON event (id >> 24, substr(event_id, -8));

-- A source that holds the first `seq` events of a session that another source owns.
CREATE TABLE copy (
  source INTEGER NOT NULL,
  session INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  PRIMARY KEY (source, session)
) STRICT, WITHOUT ROWID;
CREATE INDEX copy_by_session ON copy (session);

CREATE TABLE file_touch (
  session INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  path TEXT NOT NULL,                       -- as the agent named it, made absolute by cwd
  kind INTEGER NOT NULL,                    -- 0 read 1 edit 2 create 3 delete
  time_us INTEGER NOT NULL,
  PRIMARY KEY (session, seq, path, kind)
) STRICT, WITHOUT ROWID;
CREATE INDEX file_touch_by_path ON file_touch (path, session);

CREATE TABLE usage (
  session INTEGER NOT NULL,
  message_id TEXT NOT NULL,
  seq INTEGER NOT NULL,                     -- of the last record of this message
  time_us INTEGER NOT NULL,
  provider TEXT NOT NULL,
  model TEXT NOT NULL,
  input INTEGER NOT NULL,                   -- uncached
  output INTEGER NOT NULL,
  cache_read INTEGER NOT NULL,
  cache_write INTEGER NOT NULL,
  cache_write_1h INTEGER NOT NULL DEFAULT 0, -- the part of cache_write kept for an hour
  cost_recorded INTEGER,                    -- micro-dollars, where the agent recorded a price
  PRIMARY KEY (session, message_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX usage_by_message ON usage (message_id, session);
CREATE INDEX usage_by_time ON usage (time_us);

-- rowid = event.id; seq 0 holds a session's title. Text is stripped text, stored nowhere else here.
CREATE VIRTUAL TABLE search USING fts5 (
  text, parts,
  content = '', contentless_delete = 1,
  tokenize = "unicode61 remove_diacritics 2"
);
CREATE VIRTUAL TABLE search_words USING fts5vocab ('search', 'row');

CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
