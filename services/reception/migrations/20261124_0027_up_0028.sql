-- Why orders and appointments ended without work: a code, and the words behind it, encrypted under
-- the data subject key of the order or appointment.

CREATE TABLE cancellation (
    store_id     text        NOT NULL,
    entity_id    text        NOT NULL,
    reason       text        NOT NULL,
    note         bytea,
    cancelled_by text        NOT NULL,
    cancelled_at timestamptz NOT NULL,
    PRIMARY KEY (store_id, entity_id)
);

ALTER TABLE cancellation ENABLE ROW LEVEL SECURITY;
ALTER TABLE cancellation FORCE ROW LEVEL SECURITY;
CREATE POLICY own_stores ON cancellation TO reception
    USING (store_id = ANY ((SELECT stores_in_scope())::text[]));
GRANT SELECT, INSERT ON cancellation TO reception;
