-- Triggers are found by their type, too.
ALTER TABLE triggers ADD COLUMN type TEXT NOT NULL DEFAULT '';
UPDATE triggers SET type = coalesce(body ->> 'type', '');
