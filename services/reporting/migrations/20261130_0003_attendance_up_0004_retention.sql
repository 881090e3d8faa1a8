-- Customers of visits and their loyalty tiers, from which defection and retention are counted
-- (流失率, 留存率).

-- customer_ref: as the delivery says; linked_customer_ref: as an order was linked later.
ALTER TABLE order_fact
    ADD COLUMN customer_ref text,
    ADD COLUMN linked_customer_ref text;
-- A customer's visits, and those of a time.
CREATE INDEX order_fact_customer
    ON order_fact (store_id, (coalesce(customer_ref, linked_customer_ref)), delivered_at)
    WHERE delivered_at IS NOT NULL;

-- Loyalty tiers of customers, each from when they have it.
CREATE TABLE tier_fact (
    store_id     text        NOT NULL,
    customer_ref text        NOT NULL,
    changed_at   timestamptz NOT NULL,
    tier         text,
    PRIMARY KEY (store_id, customer_ref, changed_at)
);

ALTER TABLE tier_fact ENABLE ROW LEVEL SECURITY;
ALTER TABLE tier_fact FORCE ROW LEVEL SECURITY;
CREATE POLICY own_stores ON tier_fact TO reporting
    USING (store_id = ANY ((SELECT stores_in_scope())::text[]));
GRANT SELECT, INSERT, UPDATE ON tier_fact TO reporting;
