-- What is taken down of the vehicle: its level of energy, damages seen, belongings (encrypted), and
-- why its odometer shows less than before.
ALTER TABLE repair_order
    ADD COLUMN odometer_replacement text,
    ADD COLUMN energy_percent       smallint CHECK (energy_percent BETWEEN 0 AND 100),
    ADD COLUMN findings             jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN belongings           bytea;
