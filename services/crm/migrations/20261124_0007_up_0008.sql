-- How a customer wants to be told is saved in versions.
ALTER TABLE customer
    ADD COLUMN contact_version    integer NOT NULL DEFAULT 0,
    ADD COLUMN contact_changed_by text,
    ADD COLUMN contact_changed_at timestamptz;
