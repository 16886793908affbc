-- The revision of the flow that a gate's quota is from: an older one does not set it back.
ALTER TABLE entities ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;
