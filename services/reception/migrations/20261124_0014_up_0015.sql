-- Who was first, for whoever comes second: the maker of an order's or claim's present version, and
-- of an appointment's place.
ALTER TABLE repair_order
    ADD COLUMN changed_by text,
    ADD COLUMN changed_at timestamptz;
ALTER TABLE warranty_claim
    ADD COLUMN changed_by text,
    ADD COLUMN changed_at timestamptz;
ALTER TABLE appointment
    ADD COLUMN booked_by text,
    ADD COLUMN booked_at timestamptz;
