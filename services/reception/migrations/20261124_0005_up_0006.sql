-- Waivers and signature of the delivery; discount, on-account release, deposits and payers of the
-- invoice.

ALTER TABLE repair_order
    ADD COLUMN waivers       jsonb  NOT NULL DEFAULT '{}',
    ADD COLUMN signed_at     timestamptz,
    ADD COLUMN signature     bytea,
    ADD COLUMN discount      jsonb,
    ADD COLUMN on_account        jsonb,
    ADD COLUMN deposit_cents bigint NOT NULL DEFAULT 0 CHECK (deposit_cents >= 0),
    ADD COLUMN payer_splits        jsonb  NOT NULL DEFAULT '[]';
-- Receivables (应收) are looked for among the orders that are not paid in full.
CREATE INDEX repair_order_unpaid ON repair_order (store_id, arrived_at)
    WHERE invoice_id IS NOT NULL AND received_cents < invoiced_cents;

CREATE TABLE invoice (
    store_id           text  NOT NULL,
    order_id           text  NOT NULL,
    invoice_id         text  NOT NULL,
    content            jsonb NOT NULL,
    tax_invoice_number text,
    PRIMARY KEY (store_id, order_id)
);
ALTER TABLE invoice ENABLE ROW LEVEL SECURITY;
ALTER TABLE invoice FORCE ROW LEVEL SECURITY;
CREATE POLICY own_stores ON invoice TO reception
    USING (store_id = ANY ((SELECT stores_in_scope())::text[]));
GRANT SELECT, INSERT, UPDATE ON invoice TO reception;
