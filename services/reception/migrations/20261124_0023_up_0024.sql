-- One vehicle in all stores of the group (一车一处): by its reference, and by its plate where
-- either side has no reference. These functions are the one way to see rows of other stores; they
-- run as the owner, for one vehicle, and say nothing about any person.

CREATE FUNCTION is_vehicle(of_plate text, of_vehicle text, plate text, vehicle text)
    RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN of_vehicle = vehicle OR (of_plate = plate AND (of_vehicle IS NULL OR vehicle IS NULL));

DROP FUNCTION visits_in_group;
CREATE FUNCTION visits_in_group(plate text, vehicle text, most integer)
    RETURNS TABLE (store_id text, order_id text, status text, arrived_at timestamptz,
                   advisor_id text, odometer_km integer, symptoms jsonb, labor_operations jsonb)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT store_id, order_id, status, arrived_at, advisor_id, odometer_km, symptoms, labor_operations
    FROM repair_order
    WHERE is_vehicle(plate_ref, vehicle_ref, plate, vehicle) AND opened_at IS NOT NULL
    ORDER BY arrived_at DESC, order_id DESC
    LIMIT most
$$;

CREATE FUNCTION open_visits_in_group(plate text, vehicle text)
    RETURNS TABLE (store_id text, order_id text, status text, queue_number integer,
                   arrived_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT store_id, order_id, status, queue_number, arrived_at
    FROM repair_order
    WHERE is_vehicle(plate_ref, vehicle_ref, plate, vehicle)
      AND status IN ('arrived', 'greeted', 'opened', 'in_progress', 'ready')
    ORDER BY arrived_at
$$;

CREATE FUNCTION odometer_in_group(vehicle text)
    RETURNS integer LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT odometer_km FROM repair_order
    WHERE vehicle_ref = vehicle AND odometer_km IS NOT NULL
    ORDER BY opened_at DESC, order_id DESC
    LIMIT 1
$$;

CREATE FUNCTION bookings_in_group(plate text, starts_at timestamptz, ends_at timestamptz)
    RETURNS TABLE (store_id text, appointment_id text, appointment_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
    SELECT store_id, appointment_id, appointment_at
    FROM appointment
    WHERE plate_ref = plate AND status = 'booked'
      AND appointment_at >= starts_at AND appointment_at < ends_at
    ORDER BY appointment_at
$$;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['visits_in_group', 'open_visits_in_group', 'odometer_in_group',
                                'bookings_in_group'] LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %I FROM PUBLIC', name);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %I TO reception', name);
    END LOOP;
END
$$;
CREATE POLICY group_bookings ON appointment FOR SELECT TO reception_owner USING (true);

DROP INDEX repair_order_plate, repair_order_vehicle;
CREATE INDEX repair_order_plate ON repair_order (plate_ref, arrived_at);
CREATE INDEX repair_order_vehicle ON repair_order (vehicle_ref, arrived_at)
    WHERE vehicle_ref IS NOT NULL;
CREATE INDEX appointment_plate ON appointment (plate_ref, appointment_at) WHERE status = 'booked';

-- The plate alone does not tell one vehicle from another: open_visits_in_group does, under a lock.
DROP INDEX repair_order_at_reception;

-- The last reading stands in the vehicle's last order.
DROP TABLE vehicle;
