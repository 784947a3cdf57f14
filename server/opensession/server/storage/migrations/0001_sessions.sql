-- What the hub was sent. Times are integer microseconds UTC. The events themselves lie in files.

CREATE TABLE session (
  id INTEGER PRIMARY KEY,
  owner TEXT NOT NULL,                      -- an account's id
  device TEXT NOT NULL,
  agent TEXT NOT NULL,
  native_id TEXT NOT NULL,                  -- `id` in every answer
  generation INTEGER NOT NULL,
  rewind INTEGER NOT NULL,
  seq INTEGER NOT NULL,                     -- events there are
  chain BLOB NOT NULL,                      -- after the last of them; empty once it is gone
  bytes INTEGER NOT NULL,                   -- of the body that count; what is behind them is cut
  body TEXT NOT NULL,                       -- name of its files; empty once it is gone
  header BLOB NOT NULL,                     -- the line as it was received
  header_generation INTEGER NOT NULL,       -- the place of the request that it came with
  header_rewind INTEGER NOT NULL,
  header_seq INTEGER NOT NULL,
  tally BLOB NOT NULL,                      -- msgpack of server.tally.Tally
  gone_us INTEGER,                          -- taken back, deleted or expired: a tombstone
  gone_why TEXT NOT NULL DEFAULT '',        -- recalled | deleted | expired
  expires_us INTEGER,
  team TEXT NOT NULL DEFAULT '',
  links TEXT NOT NULL DEFAULT '[]',         -- JSON: ids of sessions that it belongs to
  body_url TEXT NOT NULL DEFAULT '',
  pr TEXT NOT NULL DEFAULT '{}',            -- JSON: pr_number, pr_url as they were given
  score_plugin TEXT NOT NULL DEFAULT '',
  score INTEGER NOT NULL DEFAULT 0,
  uploaded_us INTEGER NOT NULL,             -- first received
  received_us INTEGER NOT NULL,             -- last received
  change INTEGER NOT NULL,                  -- number of its last change
  change_kind TEXT NOT NULL,                -- created | updated | rewound | deleted
  created_change INTEGER NOT NULL,          -- number of the change that made it
  -- from the header and the tally, to list and to search by
  role TEXT NOT NULL DEFAULT 'primary',
  parent TEXT NOT NULL DEFAULT '',
  title TEXT NOT NULL DEFAULT '',
  description TEXT NOT NULL DEFAULT '',
  provider TEXT NOT NULL DEFAULT '',
  model TEXT NOT NULL DEFAULT '',
  tags TEXT NOT NULL DEFAULT '[]',          -- JSON
  repository TEXT NOT NULL DEFAULT '',
  git_remote TEXT NOT NULL DEFAULT '',
  git_branch TEXT NOT NULL DEFAULT '',
  git_commit TEXT NOT NULL DEFAULT '',
  directory TEXT NOT NULL DEFAULT '',
  created_us INTEGER NOT NULL DEFAULT 0,    -- smallest time of an event, else the header's
  updated_us INTEGER NOT NULL DEFAULT 0,    -- largest
  messages INTEGER NOT NULL DEFAULT 0,
  user_messages INTEGER NOT NULL DEFAULT 0,
  tool_calls INTEGER NOT NULL DEFAULT 0,
  tasks INTEGER NOT NULL DEFAULT 0,
  input_tokens INTEGER NOT NULL DEFAULT 0,
  output_tokens INTEGER NOT NULL DEFAULT 0,
  has_errors INTEGER NOT NULL DEFAULT 0,
  UNIQUE (owner, device, agent, native_id)
) STRICT;

CREATE INDEX session_by_id ON session (native_id);
CREATE INDEX session_by_change ON session (change);
CREATE INDEX session_by_time ON session (updated_us DESC, id DESC) WHERE gone_us IS NULL;
CREATE INDEX session_of_owner ON session (owner, updated_us DESC, id DESC) WHERE gone_us IS NULL;
CREATE INDEX session_by_parent ON session (parent) WHERE parent <> '' AND gone_us IS NULL;
CREATE INDEX session_by_expiry ON session (expires_us) WHERE expires_us IS NOT NULL AND gone_us IS NULL;
CREATE UNIQUE INDEX session_by_body ON session (body) WHERE body <> '';
