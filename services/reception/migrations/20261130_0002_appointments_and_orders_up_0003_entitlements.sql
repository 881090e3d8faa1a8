-- What arriving customers are entitled to by their loyalty tier (特别待遇), and what they were given.

-- The tier and entitlements that customer relations named at the arrival.
CREATE TABLE recognition (
    store_id     text  NOT NULL,
    order_id     text  NOT NULL,
    customer_ref text,
    tier         text,
    entitlements jsonb NOT NULL,
    PRIMARY KEY (store_id, order_id)
);

-- Gifts and vouchers given, and customers led to the lounge.
CREATE TABLE granted_entitlement (
    store_id     text        NOT NULL,
    order_id     text        NOT NULL,
    entitlement  text        NOT NULL CHECK (entitlement IN ('lounge', 'gift', 'voucher')),
    customer_ref text        NOT NULL,
    tier         text        NOT NULL,
    voucher_id   text,
    granted_by   text        NOT NULL,
    granted_at   timestamptz NOT NULL,
    PRIMARY KEY (store_id, order_id, entitlement)
);
-- A customer gets a gift once in so many days.
CREATE INDEX granted_entitlement_customer
    ON granted_entitlement (store_id, customer_ref, entitlement, granted_at);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['recognition', 'granted_entitlement'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY own_stores ON %I TO reception '
                       'USING (store_id = ANY ((SELECT stores_in_scope())::text[]))', name);
        EXECUTE format('GRANT SELECT, INSERT ON %I TO reception', name);
    END LOOP;
END
$$;
GRANT UPDATE ON recognition TO reception;
