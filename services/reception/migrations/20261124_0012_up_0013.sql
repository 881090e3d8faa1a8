-- Credit notes (红字): corrections of an invoice, which itself never changes.
CREATE TABLE credit_note (
    store_id           text        NOT NULL,
    credit_note_id     text        NOT NULL,
    order_id           text        NOT NULL,
    content            jsonb       NOT NULL,
    issued_at          timestamptz NOT NULL,
    PRIMARY KEY (store_id, credit_note_id)
);
CREATE INDEX credit_note_order ON credit_note (store_id, order_id, issued_at);

ALTER TABLE credit_note ENABLE ROW LEVEL SECURITY;
ALTER TABLE credit_note FORCE ROW LEVEL SECURITY;
CREATE POLICY own_stores ON credit_note TO reception
    USING (store_id = ANY ((SELECT stores_in_scope())::text[]));
GRANT SELECT, INSERT ON credit_note TO reception;
