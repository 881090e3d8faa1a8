-- Appointments are saved in versions; an on-account release covers an amount: what was unpaid when
-- it was granted.
ALTER TABLE appointment
    ADD COLUMN version integer NOT NULL DEFAULT 1,
    ADD COLUMN changed_by text,
    ADD COLUMN changed_at timestamptz;
UPDATE repair_order
SET on_account = on_account || jsonb_build_object('amount_cents', invoiced_cents - received_cents)
WHERE on_account IS NOT NULL;

-- A visit that ended after its estimate belongs to the vehicle's history as well.
CREATE OR REPLACE FUNCTION visits_in_group(plate text, vehicle text, most integer)
    RETURNS TABLE (store_id text, order_id text, status text, arrived_at timestamptz,
                   advisor_id text, odometer_km integer, symptoms jsonb, labor_operations jsonb)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT store_id, order_id, status, arrived_at, advisor_id, odometer_km, symptoms, labor_operations
    FROM repair_order
    WHERE is_vehicle(plate_ref, vehicle_ref, plate, vehicle)
      AND (opened_at IS NOT NULL OR status = 'cancelled' AND estimate_count > 0)
    ORDER BY arrived_at DESC, order_id DESC
    LIMIT most
$$;
