-- What was credited of invoices.
CREATE TABLE credit_note_fact (
    store_id       text        NOT NULL,
    credit_note_id text        NOT NULL,
    order_id       text        NOT NULL,
    amount_cents   bigint      NOT NULL,
    issued_at      timestamptz NOT NULL,
    PRIMARY KEY (store_id, credit_note_id)
);
CREATE INDEX credit_note_fact_issued ON credit_note_fact (store_id, issued_at);
CREATE INDEX credit_note_fact_order ON credit_note_fact (store_id, order_id);

ALTER TABLE credit_note_fact ENABLE ROW LEVEL SECURITY;
ALTER TABLE credit_note_fact FORCE ROW LEVEL SECURITY;
CREATE POLICY own_stores ON credit_note_fact TO reporting
    USING (store_id = ANY ((SELECT stores_in_scope())::text[]));
GRANT SELECT, INSERT ON credit_note_fact TO reporting;
