-- The timeline of a customer and of a vehicle (往来记录).

ALTER TABLE service_visit ADD COLUMN opened_at timestamptz;

-- Entries of a customer, of a vehicle, and of its orders, which no other index finds.
CREATE INDEX service_reminder_customer ON service_reminder (store_id, customer_ref);
CREATE INDEX complaint_vehicle ON complaint (store_id, vehicle_ref) WHERE vehicle_ref IS NOT NULL;
CREATE INDEX follow_up_vehicle ON follow_up (store_id, vehicle_ref) WHERE vehicle_ref IS NOT NULL;
CREATE INDEX follow_up_order ON follow_up (store_id, order_id) WHERE order_id IS NOT NULL;
