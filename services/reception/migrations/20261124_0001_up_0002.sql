-- Appointments and repair orders. Free text is encrypted under the order's subject key.

CREATE TABLE appointment (
    store_id       text        NOT NULL,
    appointment_id text        NOT NULL,
    plate_ref      text        NOT NULL,
    appointment_at timestamptz NOT NULL,
    op_codes       jsonb       NOT NULL,
    hold_id        text,
    status         text        NOT NULL CHECK (status IN ('booked', 'arrived', 'cancelled')),
    PRIMARY KEY (store_id, appointment_id)
);
CREATE INDEX appointment_by_time ON appointment (store_id, appointment_at);

CREATE TABLE repair_order (
    store_id            text        NOT NULL,
    order_id            text        NOT NULL,
    status              text        NOT NULL,
    queue_number        integer     NOT NULL,
    plate_ref           text        NOT NULL,
    appointment_id      text,
    arrived_at          timestamptz NOT NULL,
    greeting_due_at     timestamptz NOT NULL,
    advisor_id          text,
    greeted_at          timestamptz,
    customer_ref        text,
    vehicle_ref         text,
    odometer_km         integer,
    waiting_customer    boolean     NOT NULL DEFAULT false,
    symptoms            jsonb       NOT NULL DEFAULT '[]',
    labor_operations    jsonb       NOT NULL DEFAULT '[]',
    lines               jsonb       NOT NULL DEFAULT '[]',
    estimate_cents      bigint      NOT NULL DEFAULT 0,
    hold_id             text,
    opened_at           timestamptz,
    promised_at         timestamptz,
    promise_provisional boolean     NOT NULL DEFAULT false,
    ready_at            timestamptz,
    steps               jsonb       NOT NULL DEFAULT '{}',
    delivered_at        timestamptz,
    invoice_id          text,
    invoiced_cents      bigint      NOT NULL DEFAULT 0,
    received_cents      bigint      NOT NULL DEFAULT 0
        CHECK (received_cents BETWEEN 0 AND invoiced_cents),
    customer_concern    bytea,
    PRIMARY KEY (store_id, order_id)
);
-- The boards show what is not yet finished.
CREATE INDEX repair_order_open ON repair_order (store_id, status, arrived_at)
    WHERE status NOT IN ('closed', 'cancelled');
-- One vehicle stands at reception once.
CREATE UNIQUE INDEX repair_order_at_reception ON repair_order (store_id, plate_ref)
    WHERE status IN ('arrived', 'greeted');

-- Queue numbers (排队号) start at 1 each day of the store.
CREATE TABLE arrival_queue (
    store_id    text    NOT NULL,
    day         date    NOT NULL,
    last_number integer NOT NULL,
    PRIMARY KEY (store_id, day)
);

CREATE TABLE vehicle (
    store_id    text    NOT NULL,
    vehicle_ref text    NOT NULL,
    odometer_km integer NOT NULL,
    PRIMARY KEY (store_id, vehicle_ref)
);

-- The workshop's last word on its free time, to quote from while they are unavailable.
CREATE TABLE store_capacity (
    store_id text  NOT NULL PRIMARY KEY,
    free     jsonb NOT NULL
);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['appointment', 'repair_order', 'arrival_queue', 'vehicle',
                                'store_capacity'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY own_stores ON %I TO reception '
                       'USING (store_id = ANY ((SELECT stores_in_scope())::text[]))', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE ON %I TO reception', name);
    END LOOP;
END
$$;
