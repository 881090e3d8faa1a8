-- Who took a place is kept by the workshop, with the capacity that they reserved.
ALTER TABLE appointment
    DROP COLUMN booked_by,
    DROP COLUMN booked_at;
