-- What each delivery step was done or left out for: a step is repeated when that has changed.
ALTER TABLE repair_order ADD COLUMN step_bases jsonb NOT NULL DEFAULT '{}';
