-- A business day runs from closing to closing. Events that come after its report open it again, and
-- the report is revised.
ALTER TABLE business_day ADD COLUMN is_closed boolean NOT NULL DEFAULT false;
GRANT UPDATE ON business_day TO reporting;

ALTER TABLE daily_report
    ADD COLUMN revision integer NOT NULL,
    DROP CONSTRAINT daily_report_pkey,
    ADD PRIMARY KEY (store_id, day, revision);

-- An order may have more than one invoice: each counts on its own day.
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

ALTER TABLE invoice_fact ENABLE ROW LEVEL SECURITY;
ALTER TABLE invoice_fact FORCE ROW LEVEL SECURITY;
CREATE POLICY own_stores ON invoice_fact TO reporting
    USING (store_id = ANY ((SELECT stores_in_scope())::text[]));
GRANT SELECT, INSERT ON invoice_fact TO reporting;

ALTER TABLE order_fact
    DROP COLUMN greeting_due_at,
    DROP COLUMN overdue_at,
    DROP COLUMN opened_at,
    DROP COLUMN issued_at,
    DROP COLUMN invoiced_cents,
    DROP COLUMN labor_cents,
    DROP COLUMN parts_cents,
    DROP COLUMN hours_sold,
    DROP COLUMN receivable_cents;

DROP INDEX credit_note_fact_order;
ALTER TABLE credit_note_fact DROP COLUMN order_id, ADD COLUMN invoice_id text NOT NULL;
CREATE INDEX credit_note_fact_invoice ON credit_note_fact (store_id, invoice_id);

-- What is only counted is read from the log: missed appointments and checks by when they were
-- missed.
DROP TABLE appointment_fact, missing_check_fact;
DROP INDEX order_fact_appointment, event_log_counted;
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
                   'aftersales.crm.CustomerNotified.v1');
