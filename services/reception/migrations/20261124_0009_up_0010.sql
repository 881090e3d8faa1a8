-- Photos: what is known of them. Their content is in the file store, encrypted under the order's
-- subject key, or their own where there is no order.

CREATE TABLE photo (
    store_id text        NOT NULL,
    photo_id text        NOT NULL,
    order_id text,
    kind     text        NOT NULL,
    position text,
    taken_by text        NOT NULL,
    taken_at timestamptz NOT NULL,
    PRIMARY KEY (store_id, photo_id)
);
CREATE INDEX photo_order ON photo (store_id, order_id, taken_at) WHERE order_id IS NOT NULL;

ALTER TABLE photo ENABLE ROW LEVEL SECURITY;
ALTER TABLE photo FORCE ROW LEVEL SECURITY;
CREATE POLICY own_stores ON photo TO reception
    USING (store_id = ANY ((SELECT stores_in_scope())::text[]));
GRANT SELECT, INSERT ON photo TO reception;

-- Appointments: who comes, the parts wanted, the promise behind the hold, and what became of them.
ALTER TABLE appointment
    ADD COLUMN customer_ref text,
    ADD COLUMN parts        jsonb       NOT NULL DEFAULT '[]',
    ADD COLUMN promised_at  timestamptz,
    ADD COLUMN reschedule_required     boolean     NOT NULL DEFAULT false,
    DROP CONSTRAINT appointment_status_check,
    ADD CONSTRAINT appointment_status_check
        CHECK (status IN ('booked', 'arrived', 'cancelled', 'no_show'));

-- A vehicle that comes again is known by its plate, and advisors by their greetings of the day.
CREATE INDEX repair_order_plate ON repair_order (store_id, plate_ref, arrived_at)
    WHERE opened_at IS NOT NULL;
CREATE INDEX repair_order_greeted ON repair_order (store_id, greeted_at)
    WHERE greeted_at IS NOT NULL;

-- What customers think at the counter, and what customer lounge and service drive look like each
-- day.

CREATE TABLE feedback (
    store_id         text        NOT NULL,
    order_id         text        NOT NULL,
    work_quality     smallint    NOT NULL CHECK (work_quality BETWEEN 1 AND 5),
    technical_skill  smallint    NOT NULL CHECK (technical_skill BETWEEN 1 AND 5),
    service_attitude smallint    NOT NULL CHECK (service_attitude BETWEEN 1 AND 5),
    recorded_by      text        NOT NULL,
    submitted_at     timestamptz NOT NULL,
    comment          bytea,
    PRIMARY KEY (store_id, order_id)
);

CREATE TABLE facility_check (
    store_id   text        NOT NULL,
    check_id   text        NOT NULL,
    area       text        NOT NULL,
    day        date        NOT NULL,
    results    jsonb       NOT NULL,
    photo_id   text,
    checked_by text        NOT NULL,
    checked_at timestamptz NOT NULL,
    PRIMARY KEY (store_id, check_id)
);
CREATE INDEX facility_check_day ON facility_check (store_id, day);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['feedback', 'facility_check'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY own_stores ON %I TO reception '
                       'USING (store_id = ANY ((SELECT stores_in_scope())::text[]))', name);
        EXECUTE format('GRANT SELECT, INSERT ON %I TO reception', name);
    END LOOP;
END
$$;
