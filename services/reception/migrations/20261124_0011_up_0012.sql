-- A vehicle's visits to all stores of the group (集团到店记录): when and for what, nothing about
-- any person. The one way to see another store's orders; it runs as the owner and for one plate.

CREATE FUNCTION visits_in_group(plate text, most integer)
    RETURNS TABLE (store_id text, order_id text, status text, arrived_at timestamptz,
                   advisor_id text, odometer_km integer, symptoms jsonb, labor_operations jsonb)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT store_id, order_id, status, arrived_at, advisor_id, odometer_km, symptoms, labor_operations
    FROM repair_order
    WHERE plate_ref = plate AND opened_at IS NOT NULL
    ORDER BY arrived_at DESC
    LIMIT most
$$;

CREATE POLICY group_history ON repair_order FOR SELECT TO reception_owner USING (true);
REVOKE ALL ON FUNCTION visits_in_group FROM PUBLIC;
GRANT EXECUTE ON FUNCTION visits_in_group TO reception;

DROP INDEX repair_order_plate;
CREATE INDEX repair_order_plate ON repair_order (plate_ref, arrived_at)
    WHERE opened_at IS NOT NULL;
