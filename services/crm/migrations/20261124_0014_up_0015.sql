-- Who has set each contact point of a customer since they were registered, and when; and who had
-- set the one to which a message went.
ALTER TABLE customer ADD COLUMN contact_points jsonb NOT NULL DEFAULT '{}';
ALTER TABLE message
    ADD COLUMN contact_set_by text,
    ADD COLUMN contact_set_at timestamptz;
