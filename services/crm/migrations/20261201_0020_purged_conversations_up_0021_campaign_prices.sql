-- Drafts of campaigns that are edited, and prices against the limits of campaigns (限价).

ALTER TABLE campaign
    ADD COLUMN version    integer NOT NULL DEFAULT 1,
    ADD COLUMN changed_by text,
    ADD COLUMN changed_at timestamptz;

-- What invoices charge customers for labor operations that a campaign limits. credited_cents: what
-- credit notes have taken back of it.
CREATE TABLE campaign_price (
    store_id       text        NOT NULL,
    invoice_id     text        NOT NULL,
    op_code        text        NOT NULL,
    order_id       text        NOT NULL,
    quantity       integer     NOT NULL CHECK (quantity > 0),
    amount_cents   bigint      NOT NULL,
    credited_cents bigint      NOT NULL DEFAULT 0,
    issued_at      timestamptz NOT NULL,
    PRIMARY KEY (store_id, invoice_id, op_code)
);
-- The prices of the orders by which invited customers came.
CREATE INDEX campaign_price_order ON campaign_price (store_id, order_id);

ALTER TABLE campaign_price ENABLE ROW LEVEL SECURITY;
ALTER TABLE campaign_price FORCE ROW LEVEL SECURITY;
CREATE POLICY own_stores ON campaign_price TO crm
    USING (store_id = ANY ((SELECT stores_in_scope())::text[]));
GRANT SELECT, INSERT, UPDATE ON campaign_price TO crm;
