-- The workshop's warning that the promise will hardly be kept, until it is settled.
ALTER TABLE repair_order ADD COLUMN risk jsonb;
