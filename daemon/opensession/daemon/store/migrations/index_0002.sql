-- By which rules a source's events were stripped: `privacy_rules.fingerprint`; others read it anew.

ALTER TABLE source ADD COLUMN rules TEXT NOT NULL DEFAULT '';
