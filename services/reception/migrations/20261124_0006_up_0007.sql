-- Warranty claims (索赔) on the manufacturer.
CREATE TABLE warranty_claim (
    store_id       text        NOT NULL,
    claim_id       text        NOT NULL,
    order_id       text        NOT NULL,
    status         text        NOT NULL CHECK (status IN ('draft', 'submitted', 'approved',
                                                          'rejected', 'settled', 'written_off')),
    lines          jsonb       NOT NULL,
    amount_cents   bigint      NOT NULL,
    claim_details       jsonb       NOT NULL,
    due_at         timestamptz NOT NULL,
    submission_number          integer     NOT NULL,
    approved_cents bigint      NOT NULL,
    version        integer     NOT NULL,
    PRIMARY KEY (store_id, claim_id)
);
-- The ledger shows what is still open, the most urgent first.
CREATE INDEX warranty_claim_open ON warranty_claim (store_id, status, due_at);
ALTER TABLE warranty_claim ENABLE ROW LEVEL SECURITY;
ALTER TABLE warranty_claim FORCE ROW LEVEL SECURITY;
CREATE POLICY own_stores ON warranty_claim TO reception
    USING (store_id = ANY ((SELECT stores_in_scope())::text[]));
GRANT SELECT, INSERT, UPDATE ON warranty_claim TO reception;
