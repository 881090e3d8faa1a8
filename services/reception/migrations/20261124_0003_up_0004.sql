-- The version of an order rises with each change, so that nobody overwrites what they have not
-- seen.
ALTER TABLE repair_order ADD COLUMN version integer NOT NULL DEFAULT 0;
