-- Estimates against invoices, steps that were left out, and what was received of what is to be
-- received.
ALTER TABLE order_fact
    ADD COLUMN estimate_cents   bigint,
    ADD COLUMN delivery_waivers integer,
    ADD COLUMN receivable_cents bigint;
-- Appointments are compared with the visits that kept them, invoices with their payments.
CREATE INDEX order_fact_appointment ON order_fact (store_id, appointment_id)
    WHERE appointment_id IS NOT NULL;
CREATE INDEX payment_fact_order ON payment_fact (store_id, order_id);
CREATE INDEX appointment_fact_planned ON appointment_fact (store_id, appointment_at);
