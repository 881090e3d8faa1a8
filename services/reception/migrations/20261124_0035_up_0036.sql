-- What is asked about other stores' visits and bookings is asked in a store's name, about one
-- vehicle.
CREATE OR REPLACE FUNCTION visits_in_group(plate text, vehicle text, most integer)
    RETURNS TABLE (store_id text, order_id text, status text, arrived_at timestamptz,
                   advisor_id text, odometer_km integer, symptoms jsonb, labor_operations jsonb)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = reception, pg_temp
AS $$
    SELECT store_id, order_id, status, arrived_at, advisor_id, odometer_km, symptoms, labor_operations
    FROM repair_order
    WHERE require_question(plate, vehicle)
      AND is_vehicle(plate_ref, vehicle_ref, plate, vehicle)
      AND (opened_at IS NOT NULL OR status = 'cancelled' AND estimate_count > 0)
    ORDER BY arrived_at DESC, order_id DESC
    LIMIT least(coalesce(most, 0), 100)
$$;

CREATE OR REPLACE FUNCTION open_visits_in_group(plate text, vehicle text)
    RETURNS TABLE (store_id text, order_id text, status text, queue_number integer,
                   arrived_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = reception, pg_temp
AS $$
    SELECT store_id, order_id, status, queue_number, arrived_at
    FROM repair_order
    WHERE require_question(plate, vehicle)
      AND is_vehicle(plate_ref, vehicle_ref, plate, vehicle)
      AND status IN ('arrived', 'greeted', 'opened', 'in_progress', 'ready')
    ORDER BY arrived_at
$$;

CREATE OR REPLACE FUNCTION odometer_in_group(vehicle text)
    RETURNS integer LANGUAGE sql STABLE SECURITY DEFINER SET search_path = reception, pg_temp
AS $$
    SELECT odometer_km FROM repair_order
    WHERE require_question(vehicle) AND vehicle_ref = vehicle AND odometer_km IS NOT NULL
    ORDER BY opened_at DESC, order_id DESC
    LIMIT 1
$$;

CREATE OR REPLACE FUNCTION bookings_in_group(plate text, starts_at timestamptz, ends_at timestamptz)
    RETURNS TABLE (store_id text, appointment_id text, appointment_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = reception, pg_temp
AS $$
    SELECT store_id, appointment_id, appointment_at
    FROM appointment
    WHERE require_question(plate)
      AND plate_ref = plate AND status = 'booked'
      AND appointment_at >= starts_at AND appointment_at < ends_at
    ORDER BY appointment_at
$$;
