-- What a service_visit brought: the customer's share of its invoice, less credit notes, in cents.
ALTER TABLE service_visit ADD COLUMN spent_cents bigint NOT NULL DEFAULT 0;

-- What the customer of a vehicle has brought to all stores of the group (集团累计到店与消费): sums,
-- nothing about any person. A customer of several stores is one by telephone number. The one way to
-- see another store's visits; it runs as the owner and for one vehicle, known by its VIN's or
-- plate's reference.
CREATE FUNCTION customer_history_in_group(reference text, since timestamptz)
    RETURNS TABLE (brand text, visits bigint, recent_visits bigint, recent_cents bigint,
                   last_visit_at timestamptz, stores text[])
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    WITH known AS (
        SELECT customer_ref, brand FROM vehicle
        WHERE vehicle_ref = reference OR plate_ref = reference
    ),
    person AS (
        SELECT customer_ref FROM customer
        WHERE phone_ref IN (SELECT phone_ref FROM customer JOIN known USING (customer_ref))
    )
    SELECT (SELECT min(brand) FROM known),
           count(*),
           count(*) FILTER (WHERE delivered_at >= since),
           coalesce(sum(spent_cents) FILTER (WHERE delivered_at >= since), 0)::bigint,
           max(delivered_at),
           coalesce(array_agg(DISTINCT store_id), '{}')
    FROM service_visit
    WHERE customer_ref IN (SELECT customer_ref FROM person) AND delivered_at IS NOT NULL
$$;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['customer', 'vehicle', 'service_visit'] LOOP
        EXECUTE format('CREATE POLICY group_history ON %I FOR SELECT TO crm_owner USING (true)',
                       name);
    END LOOP;
END
$$;
REVOKE ALL ON FUNCTION customer_history_in_group FROM PUBLIC;
GRANT EXECUTE ON FUNCTION customer_history_in_group TO crm;

-- Each step of that function, without a store.
CREATE INDEX vehicle_reference ON vehicle (vehicle_ref);
CREATE INDEX vehicle_plate_in_group ON vehicle (plate_ref);
CREATE INDEX customer_reference ON customer (customer_ref);
CREATE INDEX customer_phone_in_group ON customer (phone_ref);
DROP INDEX service_visit_customer;
CREATE INDEX service_visit_customer ON service_visit (customer_ref, delivered_at);
