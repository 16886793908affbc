-- Triggers that wait for an execution or a worker are looked at now and then.
ALTER TABLE triggers ADD COLUMN waits INTEGER NOT NULL DEFAULT 0;
CREATE INDEX triggers_waiting ON triggers (seq) WHERE waits = 1;
