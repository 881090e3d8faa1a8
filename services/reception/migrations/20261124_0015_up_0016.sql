-- What the manufacturer answered last, for whoever completes the claim or looks why it pays less.
ALTER TABLE warranty_claim
    ADD COLUMN answer      text,
    ADD COLUMN answered_at timestamptz;
