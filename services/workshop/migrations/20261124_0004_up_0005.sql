-- What becomes of open promises, and which part a job waits for.

ALTER TABLE job ADD COLUMN parts_reason text;

-- The risk of each open order's promise, as last computed. alerted_at: since when it counts as in
-- danger.
CREATE TABLE promise_risk (
    store_id        text             NOT NULL,
    order_id        text             NOT NULL,
    promised_at     timestamptz      NOT NULL,
    probability     double precision NOT NULL,
    cause           text             NOT NULL,
    detail          jsonb            NOT NULL,
    best_promise_at timestamptz      NOT NULL,
    computed_at     timestamptz      NOT NULL,
    alerted_at      timestamptz,
    PRIMARY KEY (store_id, order_id)
);

ALTER TABLE promise_risk ENABLE ROW LEVEL SECURITY;
ALTER TABLE promise_risk FORCE ROW LEVEL SECURITY;
CREATE POLICY own_stores ON promise_risk TO workshop
    USING (store_id = ANY ((SELECT stores_in_scope())::text[]));
GRANT SELECT, INSERT, UPDATE, DELETE ON promise_risk TO workshop;
