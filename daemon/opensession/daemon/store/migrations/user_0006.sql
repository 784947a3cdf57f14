-- By what a scrubbed value is known again where it stands alone, beside its fingerprint: its length
-- and which signs it is of. 0 and empty: it is not looked for alone.
ALTER TABLE leak ADD COLUMN form_length INTEGER NOT NULL DEFAULT 0;
ALTER TABLE leak ADD COLUMN form_signs TEXT NOT NULL DEFAULT '';
