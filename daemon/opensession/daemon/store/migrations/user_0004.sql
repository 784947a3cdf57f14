-- What is sent to a hub, by which policy, and what the hub acknowledged. Sessions are named by their
-- keys, so that it outlives a rebuilt index. There is no queue: what is due is a query over both.

CREATE TABLE publication (
  id INTEGER PRIMARY KEY,
  hub TEXT NOT NULL,                        -- its address
  account TEXT NOT NULL,                    -- whose it is there; empty: not known yet
  agent TEXT NOT NULL,
  native_id TEXT NOT NULL,
  generation INTEGER NOT NULL DEFAULT 1,
  rewind INTEGER NOT NULL DEFAULT 0,
  seq INTEGER NOT NULL DEFAULT 0,           -- acknowledged
  chain BLOB NOT NULL DEFAULT x'',          -- after `seq`, of what was sent; empty: nothing was
  attempted INTEGER NOT NULL DEFAULT 0,     -- the last seq that may have reached the hub
  header BLOB NOT NULL DEFAULT x'',         -- hash of the header that was acknowledged
  settled_us INTEGER NOT NULL DEFAULT -1,   -- of the session, when it was compared with what is sent
  parser_version INTEGER NOT NULL DEFAULT 0, -- by which the lines up to `attempted` were made
  rules TEXT NOT NULL DEFAULT '',
  wanted INTEGER NOT NULL DEFAULT 0,        -- a person said to send it so far, whatever the policy
  approved_us INTEGER NOT NULL DEFAULT 0,
  denied_us INTEGER NOT NULL DEFAULT 0,
  recall_us INTEGER NOT NULL DEFAULT 0,     -- it is to be taken back since then
  recalled_us INTEGER NOT NULL DEFAULT 0,   -- the hub did
  gone INTEGER NOT NULL DEFAULT 0,          -- 1: taken back or expired on the hub
  refused TEXT NOT NULL DEFAULT '',         -- why the hub does not take it
  differs INTEGER NOT NULL DEFAULT 0,       -- the first seq that newer rules or parsers changed
  differs_secret INTEGER NOT NULL DEFAULT 0, -- 1: they take something out there
  failures INTEGER NOT NULL DEFAULT 0,
  next_try_us INTEGER NOT NULL DEFAULT 0,
  url TEXT NOT NULL DEFAULT '',
  first_sent_us INTEGER NOT NULL DEFAULT 0,
  last_sent_us INTEGER NOT NULL DEFAULT 0,
  expires_us INTEGER NOT NULL DEFAULT 0,
  findings TEXT NOT NULL DEFAULT '{}',      -- JSON {kind: count}: what the hub found in it
  team_id TEXT NOT NULL DEFAULT '',
  parents TEXT NOT NULL DEFAULT '[]',       -- JSON: what the upload follows
  UNIQUE (hub, account, agent, native_id)
) STRICT;

-- What was sent, 64 lines at a time: the first 8 bytes of each line's hash, and the chain before.
CREATE TABLE sent_block (
  publication INTEGER NOT NULL,
  block INTEGER NOT NULL,                   -- (seq - 1) / 64
  hashes BLOB NOT NULL,
  chain BLOB NOT NULL,
  PRIMARY KEY (publication, block)
) STRICT, WITHOUT ROWID;

-- When what is published by itself.
CREATE TABLE stream (
  agent TEXT NOT NULL,                      -- empty: all
  repo TEXT NOT NULL,                       -- a folder; empty: everywhere
  mode TEXT NOT NULL,                       -- manual | session_end | realtime
  since_us INTEGER NOT NULL,
  origin TEXT NOT NULL,                     -- config | stream
  PRIMARY KEY (agent, repo, origin)
) STRICT, WITHOUT ROWID;
