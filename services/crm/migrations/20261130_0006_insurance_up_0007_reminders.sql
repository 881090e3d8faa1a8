-- The service history of vehicles and reminders of what they need next (保养提醒).

-- Vehicles with a service history. first_registered_on: the day of the first registration (注册登记
-- 日期), by which they age. plan_again: the history has changed since the reminders were planned.
-- recalls: a digest of the brand's open recalls by which they were planned, empty without any.
CREATE TABLE service_vehicle (
    store_id            text    NOT NULL,
    vehicle_ref         text    NOT NULL,
    first_registered_on date,
    plan_again          boolean NOT NULL DEFAULT true,
    recalls             text    NOT NULL DEFAULT '',
    PRIMARY KEY (store_id, vehicle_ref)
);
-- The nightly run plans those that have changed.
CREATE INDEX service_vehicle_plan_again ON service_vehicle (store_id, vehicle_ref)
    WHERE plan_again;

-- Odometer readings: of orders, under the order's id, and of customers. op_codes: the labor
-- operations of an order, done once the vehicle is delivered.
CREATE TABLE service_record (
    store_id     text    NOT NULL,
    record_id    text    NOT NULL,
    vehicle_ref  text    NOT NULL,
    odometer_km  integer NOT NULL CHECK (odometer_km >= 0),
    read_on      date    NOT NULL,
    restarts     boolean NOT NULL,
    op_codes     text[]  NOT NULL,
    delivered_on date,
    PRIMARY KEY (store_id, record_id)
);
CREATE INDEX service_record_vehicle ON service_record (store_id, vehicle_ref, read_on);

-- Reminders. source tells one from the next of its kind: the visit after which, the day on which or
-- the work about which it is, so that none is made twice. remind_on: the day from which the customer
-- is invited. The figures are those from which the day was predicted.
CREATE TABLE service_reminder (
    store_id        text        NOT NULL,
    reminder_id     text        NOT NULL,
    vehicle_ref     text        NOT NULL,
    customer_ref    text        NOT NULL,
    kind            text        NOT NULL CHECK (kind IN (
        'maintenance', 'first_service', 'annual_inspection', 'recall', 'declined_work')),
    source          text        NOT NULL,
    due_on          date        NOT NULL,
    remind_on       date        NOT NULL,
    op_codes        text[]      NOT NULL,
    time_due_on     date,
    km_due_on       date,
    due_km          integer,
    odometer_km     integer,
    read_on         date,
    km_per_day      double precision,
    last_service_on date,
    last_service_km integer,
    state           text        NOT NULL CHECK (state IN ('planned', 'due', 'closed')),
    raised_at       timestamptz,
    answer          text,
    answered_at     timestamptz,
    answered_by     text,
    appointment_id  text,
    order_id        text,
    PRIMARY KEY (store_id, reminder_id),
    UNIQUE (store_id, vehicle_ref, kind, source)
);
-- What the nightly run raises, and what it closes.
CREATE INDEX service_reminder_planned ON service_reminder (store_id, remind_on)
    WHERE state = 'planned';
CREATE INDEX service_reminder_raised ON service_reminder (store_id, raised_at)
    WHERE state = 'due';
-- Lists by when it is due.
CREATE INDEX service_reminder_due ON service_reminder (store_id, state, due_on, reminder_id);

-- Grants and policies.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['service_vehicle', 'service_record', 'service_reminder'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY own_stores ON %I TO crm '
                       'USING (store_id = ANY ((SELECT stores_in_scope())::text[]))', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE ON %I TO crm', name);
    END LOOP;
END
$$;
