-- What the lifetime value of customers (客户终身价值) is counted from: the owners of vehicles, and
-- parts and tax of invoices.

-- vehicle_ref: as the opening says; linked_vehicle_ref: as an order was linked later.
ALTER TABLE order_fact
    ADD COLUMN vehicle_ref text,
    ADD COLUMN linked_vehicle_ref text;

-- parts: quantity and amount in cents by part number.
ALTER TABLE invoice_fact
    ADD COLUMN tax_rate_bp integer NOT NULL DEFAULT 0,
    ADD COLUMN parts jsonb NOT NULL DEFAULT '{}';

-- Owners of vehicles (车主): when they were registered as such, and when the vehicle was sold to
-- them by another customer (过户).
CREATE TABLE owner_fact (
    store_id      text        NOT NULL,
    customer_ref  text        NOT NULL,
    vehicle_ref   text        NOT NULL,
    registered_at timestamptz,
    bought_at     timestamptz,
    PRIMARY KEY (store_id, customer_ref, vehicle_ref)
);

-- Months of the first registration of vehicles (注册登记), as recorded last.
CREATE TABLE vehicle_fact (
    store_id               text   NOT NULL,
    vehicle_ref            text   NOT NULL,
    first_registered_month text   NOT NULL,
    sequence               bigint NOT NULL,
    PRIMARY KEY (store_id, vehicle_ref)
);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['owner_fact', 'vehicle_fact'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY own_stores ON %I TO reporting '
                       'USING (store_id = ANY ((SELECT stores_in_scope())::text[]))', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE ON %I TO reporting', name);
    END LOOP;
END
$$;
