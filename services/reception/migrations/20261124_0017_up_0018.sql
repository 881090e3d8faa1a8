-- The last visit comes first also among those that arrived at one moment: order ids ascend in time.
CREATE OR REPLACE FUNCTION visits_in_group(plate text, most integer)
    RETURNS TABLE (store_id text, order_id text, status text, arrived_at timestamptz,
                   advisor_id text, odometer_km integer, symptoms jsonb, labor_operations jsonb)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT store_id, order_id, status, arrived_at, advisor_id, odometer_km, symptoms, labor_operations
    FROM repair_order
    WHERE plate_ref = plate AND opened_at IS NOT NULL
    ORDER BY arrived_at DESC, order_id DESC
    LIMIT most
$$;
