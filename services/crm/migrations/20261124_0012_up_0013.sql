-- What is asked about a customer's visits to other stores is asked in a store's name, about one
-- vehicle.
CREATE OR REPLACE FUNCTION customer_history_in_group(reference text, since timestamptz)
    RETURNS TABLE (brand text, visits bigint, recent_visits bigint, recent_cents bigint,
                   last_visit_at timestamptz, stores text[])
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = crm, pg_temp
AS $$
    WITH known AS (
        SELECT customer_ref, brand FROM vehicle
        WHERE require_question(reference) AND (vehicle_ref = reference OR plate_ref = reference)
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
