-- The log of events, the facts that are folded from them, and the daily reports.
-- Facts are written by set-wise upserts; each event type sets its own columns and no others, so
-- that the order in which topics are read does not matter.

CREATE TABLE event_log (
    store_id     text        NOT NULL,
    event_id     uuid        NOT NULL,
    topic        text        NOT NULL,
    key          text        NOT NULL,
    sequence     bigint      NOT NULL,
    type         text        NOT NULL,
    time         timestamptz NOT NULL,
    order_id     text,
    causation_id text,
    data         jsonb       NOT NULL,
    PRIMARY KEY (store_id, event_id)
);
-- An order's page shows its whole history.
CREATE INDEX event_log_order ON event_log (store_id, order_id) WHERE order_id IS NOT NULL;

CREATE TABLE order_fact (
    store_id              text        NOT NULL,
    order_id              text        NOT NULL,
    arrived_at            timestamptz,
    greeting_due_at       timestamptz,
    appointment_id        text,
    greeted_at            timestamptz,
    overdue_at            timestamptz,
    opened_at             timestamptz,
    first_promised_at     timestamptz,
    last_promised_at      timestamptz,
    last_promise_sequence bigint,
    delivered_at          timestamptz,
    delivery_steps        integer,
    issued_at             timestamptz,
    invoiced_cents        bigint,
    labor_cents           bigint,
    parts_cents           bigint,
    hours_sold            numeric,
    PRIMARY KEY (store_id, order_id)
) WITH (fillfactor = 70);
-- The KPIs of a day are taken by the day of arrival, of delivery and of the invoice.
CREATE INDEX order_fact_arrived ON order_fact (store_id, arrived_at);
CREATE INDEX order_fact_delivered ON order_fact (store_id, delivered_at)
    WHERE delivered_at IS NOT NULL;
CREATE INDEX order_fact_issued ON order_fact (store_id, issued_at) WHERE issued_at IS NOT NULL;

CREATE TABLE payment_fact (
    store_id     text        NOT NULL,
    payment_id   text        NOT NULL,
    order_id     text        NOT NULL,
    amount_cents bigint      NOT NULL,
    received_at  timestamptz NOT NULL,
    PRIMARY KEY (store_id, payment_id)
);
CREATE INDEX payment_fact_received ON payment_fact (store_id, received_at);

CREATE TABLE job_fact (
    store_id      text        NOT NULL,
    job_id        text        NOT NULL,
    order_id      text        NOT NULL,
    assigned_at   timestamptz,
    overridden_at timestamptz,
    finished_at   timestamptz,
    clocked_s     bigint,
    PRIMARY KEY (store_id, job_id)
) WITH (fillfactor = 70);
CREATE INDEX job_fact_assigned ON job_fact (store_id, assigned_at);
CREATE INDEX job_fact_finished ON job_fact (store_id, finished_at) WHERE finished_at IS NOT NULL;

CREATE TABLE appointment_fact (
    store_id       text NOT NULL,
    appointment_id text NOT NULL,
    appointment_at timestamptz,
    cancelled_at   timestamptz,
    PRIMARY KEY (store_id, appointment_id)
);

CREATE TABLE follow_up_fact (
    store_id     text NOT NULL,
    follow_up_id text NOT NULL,
    order_id     text NOT NULL,
    scheduled_at timestamptz,
    completed_at timestamptz,
    reached      boolean,
    satisfaction smallint,
    PRIMARY KEY (store_id, follow_up_id)
);
CREATE INDEX follow_up_fact_scheduled ON follow_up_fact (store_id, scheduled_at);

-- Days of a store on which something happened before closing; each has one timer and one report.
CREATE TABLE business_day (
    store_id text NOT NULL,
    day      date NOT NULL,
    PRIMARY KEY (store_id, day)
);

-- Daily reports (日报) as published; they never change.
CREATE TABLE daily_report (
    store_id     text        NOT NULL,
    day          date        NOT NULL,
    published_at timestamptz NOT NULL,
    report       jsonb       NOT NULL,
    PRIMARY KEY (store_id, day)
);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['event_log', 'order_fact', 'payment_fact', 'job_fact',
                                'appointment_fact', 'follow_up_fact', 'business_day',
                                'daily_report'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY own_stores ON %I TO reporting '
                       'USING (store_id = ANY ((SELECT stores_in_scope())::text[]))', name);
        EXECUTE format('GRANT SELECT, INSERT ON %I TO reporting', name);
    END LOOP;
    GRANT UPDATE ON order_fact, job_fact, appointment_fact, follow_up_fact TO reporting;
END
$$;
