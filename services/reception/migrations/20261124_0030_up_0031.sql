-- An order may be invoiced again once its invoice is credited whole, by another invoice.
ALTER TABLE invoice DROP CONSTRAINT invoice_pkey, ADD PRIMARY KEY (store_id, invoice_id);
CREATE INDEX invoice_of_order ON invoice (store_id, order_id);
ALTER TABLE repair_order ADD COLUMN credited_cents bigint NOT NULL DEFAULT 0;
UPDATE repair_order AS visit SET credited_cents = notes.cents
FROM (SELECT store_id, order_id, sum((content ->> 'total_cents')::bigint) AS cents
      FROM credit_note GROUP BY store_id, order_id) AS notes
WHERE (visit.store_id, visit.order_id) = (notes.store_id, notes.order_id);
ALTER TABLE warranty_claim
    DROP CONSTRAINT warranty_claim_status_check,
    ADD CHECK (status IN ('draft', 'submitted', 'approved', 'rejected', 'settled', 'written_off',
                          'withdrawn'));
