-- The log of events, the facts that are folded from them, and daily reports.
-- Facts are written by set-wise upserts; each event type sets its own columns and no others, so
-- that the order in which topics are read does not matter.

-- All events that reporting has read.
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
-- What is only counted is read from the log: missed appointments and checks by when they were
-- missed.
CREATE INDEX event_log_counted ON event_log (store_id, type, time)
    WHERE type IN ('aftersales.reception.OrderOpened.v1',
                   'aftersales.reception.GreetingOverdue.v1',
                   'aftersales.reception.AppointmentNoShow.v1',
                   'aftersales.reception.FacilityCheckOverdue.v1',
                   'aftersales.reception.FacilityCheckCompleted.v1',
                   'aftersales.reception.WarrantyClaimSubmitted.v1',
                   'aftersales.reception.WarrantyClaimSettled.v1',
                   'aftersales.reception.WarrantyClaimOverdue.v1',
                   'aftersales.workshop.QualityInspectionPassed.v1',
                   'aftersales.workshop.QualityInspectionFailed.v1',
                   'aftersales.workshop.DiagnosisRecorded.v1',
                   'aftersales.workshop.VehicleReady.v1',
                   'aftersales.workshop.ComebackLinked.v1',
                   'aftersales.crm.CustomerNotified.v1',
                   'aftersales.crm.ComplaintOpened.v1',
                   'aftersales.crm.ComplaintClosed.v1',
                   'aftersales.crm.ComplaintReopened.v1');

-- Visits from arrival to delivery: what was estimated, promised, and left out at delivery.
CREATE TABLE order_fact (
    store_id              text        NOT NULL,
    order_id              text        NOT NULL,
    appointment_id        text,
    arrived_at            timestamptz,
    greeted_at            timestamptz,
    estimate_cents        bigint,
    first_promised_at     timestamptz,
    last_promised_at      timestamptz,
    last_promise_sequence bigint,
    delivered_at          timestamptz,
    delivery_steps        integer,
    delivery_waivers      integer,
    PRIMARY KEY (store_id, order_id)
) WITH (fillfactor = 70);
-- The KPIs of a day are taken by the day of arrival and of delivery.
CREATE INDEX order_fact_arrived ON order_fact (store_id, arrived_at);
CREATE INDEX order_fact_delivered ON order_fact (store_id, delivered_at)
    WHERE delivered_at IS NOT NULL;

-- Jobs. A clock that a manager put right (工时更正) counts in the place of the one of JobFinished.
CREATE TABLE job_fact (
    store_id              text        NOT NULL,
    job_id                text        NOT NULL,
    order_id              text        NOT NULL,
    assigned_at           timestamptz,
    overridden_at         timestamptz,
    finished_at           timestamptz,
    clocked_s             bigint,
    corrected_finished_at timestamptz,
    corrected_clocked_s   bigint,
    correction_sequence   bigint,
    PRIMARY KEY (store_id, job_id)
) WITH (fillfactor = 70);
CREATE INDEX job_fact_assigned ON job_fact (store_id, assigned_at);
-- A day's clocked hours are those of the jobs finished in it.
CREATE INDEX job_fact_finished
    ON job_fact (store_id, (coalesce(corrected_finished_at, finished_at)));

-- Invoices. An order may have more than one: each counts on its own day.
CREATE TABLE invoice_fact (
    store_id         text        NOT NULL,
    invoice_id       text        NOT NULL,
    order_id         text        NOT NULL,
    issued_at        timestamptz NOT NULL,
    invoiced_cents   bigint      NOT NULL,
    labor_cents      bigint      NOT NULL,
    parts_cents      bigint      NOT NULL,
    hours_sold       numeric     NOT NULL,
    receivable_cents bigint      NOT NULL,
    PRIMARY KEY (store_id, invoice_id)
);
CREATE INDEX invoice_fact_issued ON invoice_fact (store_id, issued_at);

-- What was credited of invoices. receivable_cents: what of it the store would have received, not
-- what it pays itself.
CREATE TABLE credit_note_fact (
    store_id         text        NOT NULL,
    credit_note_id   text        NOT NULL,
    invoice_id       text        NOT NULL,
    amount_cents     bigint      NOT NULL,
    receivable_cents bigint      NOT NULL DEFAULT 0,
    issued_at        timestamptz NOT NULL,
    PRIMARY KEY (store_id, credit_note_id)
);
CREATE INDEX credit_note_fact_issued ON credit_note_fact (store_id, issued_at);
CREATE INDEX credit_note_fact_invoice ON credit_note_fact (store_id, invoice_id);

-- Payments received.
CREATE TABLE payment_fact (
    store_id     text        NOT NULL,
    payment_id   text        NOT NULL,
    order_id     text        NOT NULL,
    amount_cents bigint      NOT NULL,
    received_at  timestamptz NOT NULL,
    PRIMARY KEY (store_id, payment_id)
);
CREATE INDEX payment_fact_received ON payment_fact (store_id, received_at);
-- Invoices are compared with their payments.
CREATE INDEX payment_fact_order ON payment_fact (store_id, order_id);

-- Calls to customers, by their reason.
CREATE TABLE follow_up_fact (
    store_id     text        NOT NULL,
    follow_up_id text        NOT NULL,
    reason       text        NOT NULL,
    order_id     text,
    scheduled_at timestamptz,
    completed_at timestamptz,
    reached      boolean,
    satisfaction smallint,
    PRIMARY KEY (store_id, follow_up_id)
);
CREATE INDEX follow_up_fact_scheduled ON follow_up_fact (store_id, scheduled_at);

-- What customers thought.
CREATE TABLE feedback_fact (
    store_id         text        NOT NULL,
    order_id         text        NOT NULL,
    submitted_at     timestamptz NOT NULL,
    work_quality     smallint    NOT NULL,
    technical_skill  smallint    NOT NULL,
    service_attitude smallint    NOT NULL,
    PRIMARY KEY (store_id, order_id)
);
CREATE INDEX feedback_fact_given ON feedback_fact (store_id, submitted_at);

-- What customers answered in surveys (满意度调查), weighed by the weights of their version.
CREATE TABLE survey_fact (
    store_id    text        NOT NULL,
    survey_id   text        NOT NULL,
    answered_at timestamptz NOT NULL,
    csi         float8      NOT NULL,
    PRIMARY KEY (store_id, survey_id)
);
CREATE INDEX survey_fact_answered ON survey_fact (store_id, answered_at);

-- Corrective actions: when they were opened, due and closed.
CREATE TABLE corrective_action_fact (
    store_id             text        NOT NULL,
    corrective_action_id text        NOT NULL,
    opened_at            timestamptz,
    due_at               timestamptz,
    closed_at            timestamptz,
    PRIMARY KEY (store_id, corrective_action_id)
) WITH (fillfactor = 70);
CREATE INDEX corrective_action_fact_opened ON corrective_action_fact (store_id, opened_at);
-- Each day counts those that were due and not closed by its end.
CREATE INDEX corrective_action_fact_open ON corrective_action_fact (store_id, due_at)
    WHERE closed_at IS NULL;

-- Days of a store, from closing to closing, on which something happened; each has one timer.
-- Events that come after its report open a day again, and the report is revised.
CREATE TABLE business_day (
    store_id  text    NOT NULL,
    day       date    NOT NULL,
    is_closed boolean NOT NULL DEFAULT false,
    PRIMARY KEY (store_id, day)
);

-- Daily reports (日报) as published; they never change.
CREATE TABLE daily_report (
    store_id     text        NOT NULL,
    day          date        NOT NULL,
    revision     integer     NOT NULL,
    published_at timestamptz NOT NULL,
    report       jsonb       NOT NULL,
    PRIMARY KEY (store_id, day, revision)
);

-- Grants and policies.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['event_log', 'order_fact', 'job_fact', 'invoice_fact',
                                'credit_note_fact', 'payment_fact', 'follow_up_fact',
                                'feedback_fact', 'survey_fact', 'corrective_action_fact',
                                'business_day', 'daily_report'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY own_stores ON %I TO reporting '
                       'USING (store_id = ANY ((SELECT stores_in_scope())::text[]))', name);
        EXECUTE format('GRANT SELECT, INSERT ON %I TO reporting', name);
    END LOOP;
END
$$;
GRANT UPDATE ON order_fact, job_fact, follow_up_fact, corrective_action_fact, business_day TO reporting;
-- Whoever has a post in the group reads the reports of all stores.
CREATE POLICY group_wide ON daily_report FOR SELECT TO reporting
    USING ('*' = ANY ((SELECT stores_in_scope())::text[]));
