-- The manufacturer's last decision, for who completes the claim or asks why it pays less.
ALTER TABLE warranty_claim
    ADD COLUMN decision   text,
    ADD COLUMN decided_at timestamptz;
