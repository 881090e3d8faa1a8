-- What becomes of open promises, and which part a job waits for.

ALTER TABLE job ADD COLUMN parts_reason text;

-- The prospect of each open order, as last computed. raised_at: since when it counts as in danger.
CREATE TABLE prospect (
    store_id        text             NOT NULL,
    order_id        text             NOT NULL,
    promised_at     timestamptz      NOT NULL,
    probability     double precision NOT NULL,
    cause           text             NOT NULL,
    detail          jsonb            NOT NULL,
    best_promise_at timestamptz      NOT NULL,
    computed_at     timestamptz      NOT NULL,
    raised_at       timestamptz,
    PRIMARY KEY (store_id, order_id)
);

ALTER TABLE prospect ENABLE ROW LEVEL SECURITY;
ALTER TABLE prospect FORCE ROW LEVEL SECURITY;
CREATE POLICY own_stores ON prospect TO workshop
    USING (store_id = ANY ((SELECT stores_in_scope())::text[]));
GRANT SELECT, INSERT, UPDATE, DELETE ON prospect TO workshop;
