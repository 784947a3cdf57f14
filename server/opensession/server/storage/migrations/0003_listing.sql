-- Counting what is listed reads the index alone.
DROP INDEX session_of_owner;
DROP INDEX session_by_time;
CREATE INDEX session_by_time ON session (updated_us DESC, id DESC, expires_us) WHERE gone_us IS NULL;
CREATE INDEX session_of_owner ON session (owner, updated_us DESC, id DESC, expires_us) WHERE gone_us IS NULL;
