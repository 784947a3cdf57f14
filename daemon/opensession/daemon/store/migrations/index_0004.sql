-- 1: its source is there, and does not hold it any more: the agent deleted it from its database.

ALTER TABLE session ADD COLUMN absent INTEGER NOT NULL DEFAULT 0;

-- Databases that were read before are looked at once more, to be asked.
UPDATE source SET mtime_ns = 0 WHERE agent IN ('cursor', 'goose', 'kilo-code', 'opencode')
  AND (path LIKE '%.db' OR path LIKE '%.vscdb');
