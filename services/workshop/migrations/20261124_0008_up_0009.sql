-- Who was first, for whoever comes second: the maker of a job's present version, and of a hold.
ALTER TABLE job
    ADD COLUMN changed_by text,
    ADD COLUMN changed_at timestamptz;
ALTER TABLE capacity_hold
    ADD COLUMN made_by text,
    ADD COLUMN made_at timestamptz;
-- Whose hold stands in the way is looked for among those whose work ends after the time wanted.
CREATE INDEX capacity_hold_promised ON capacity_hold (store_id, promised_at);
