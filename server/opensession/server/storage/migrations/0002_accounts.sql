CREATE TABLE account (
  id TEXT PRIMARY KEY,
  email TEXT UNIQUE,
  nickname TEXT NOT NULL,
  password TEXT,
  admin INTEGER NOT NULL DEFAULT 0,
  created_us INTEGER NOT NULL
) STRICT;

-- One row for each time that somebody logged in. Its tokens end with it.
CREATE TABLE login (
  id TEXT PRIMARY KEY,
  account TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
  created_us INTEGER NOT NULL,
  revoked_us INTEGER
) STRICT;
CREATE INDEX login_account ON login (account);

CREATE TABLE refresh_token (
  hash BLOB PRIMARY KEY,
  login TEXT NOT NULL REFERENCES login (id) ON DELETE CASCADE,
  expires_us INTEGER NOT NULL,
  used_us INTEGER
) STRICT;
CREATE INDEX refresh_token_login ON refresh_token (login);

CREATE TABLE api_key (
  id TEXT PRIMARY KEY,
  account TEXT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
  hash BLOB NOT NULL UNIQUE,
  prefix TEXT NOT NULL,
  label TEXT NOT NULL,
  scopes TEXT NOT NULL,
  created_us INTEGER NOT NULL,
  expires_us INTEGER,
  replaced_us INTEGER,
  revoked_us INTEGER,
  used_us INTEGER
) STRICT;
CREATE INDEX api_key_account ON api_key (account);
