-- Whose vehicle a hold for additional work is for: what is reserved is simulated and planned
-- around. The end of the work that holds with just the confidence: what the calibration hears
-- about.
ALTER TABLE capacity_hold
    ADD COLUMN order_id      text,
    ADD COLUMN calibrated_at timestamptz NOT NULL DEFAULT now();
ALTER TABLE capacity_hold
    ALTER COLUMN calibrated_at DROP DEFAULT;
CREATE INDEX capacity_hold_active ON capacity_hold (store_id) WHERE status = 'held';
