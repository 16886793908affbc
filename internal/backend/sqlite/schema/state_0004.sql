-- Who waits for a slot may come before others that have waited longer.
ALTER TABLE gate_members ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;
