-- The last event of a session that `unforget` took in again, when it was read then: lines `#private`
-- up to it do not count. Null: not read yet.
ALTER TABLE tombstone ADD COLUMN counted_seq INTEGER;
