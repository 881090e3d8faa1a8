-- What is taken down of the vehicle: its level of energy, damages seen, belongings (encrypted), and
-- why its odometer shows less than before.
ALTER TABLE repair_order
    ADD COLUMN odometer_discrepancy_reason text,
    ADD COLUMN fuel_or_charge_percent       smallint CHECK (fuel_or_charge_percent BETWEEN 0 AND 100),
    ADD COLUMN walkaround_damages             jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN belongings           bytea;
