-- The records of persons (客户档案) and follow-ups (回访). Names, phones, plates, VINs and records
-- of calls are encrypted under the customer's subject key; references are keyed hashes.

CREATE TABLE customer (
    store_id      text        NOT NULL,
    customer_ref  text        NOT NULL,
    phone_ref     text        NOT NULL,
    name          bytea       NOT NULL,
    phone         bytea       NOT NULL,
    registered_at timestamptz NOT NULL,
    PRIMARY KEY (store_id, customer_ref)
);
-- A person who comes with another vehicle is found by phone.
CREATE INDEX customer_phone ON customer (store_id, phone_ref, registered_at);

CREATE TABLE vehicle (
    store_id     text  NOT NULL,
    vehicle_ref  text  NOT NULL,
    customer_ref text  NOT NULL,
    plate_ref    text,
    plate        bytea,
    vin          bytea NOT NULL,
    brand        text  NOT NULL,
    model        text  NOT NULL,
    PRIMARY KEY (store_id, vehicle_ref),
    FOREIGN KEY (store_id, customer_ref) REFERENCES customer
);
-- Reception asks by plate; one vehicle wears it at a time.
CREATE UNIQUE INDEX vehicle_plate ON vehicle (store_id, plate_ref);

-- Deliveries (交车): visits of a customer, and those whose customer is not known yet.
CREATE TABLE delivery (
    store_id     text        NOT NULL,
    order_id     text        NOT NULL,
    customer_ref text,
    delivered_at timestamptz NOT NULL,
    PRIMARY KEY (store_id, order_id)
);
-- A customer's visits are counted whenever the customer is shown.
CREATE INDEX delivery_customer ON delivery (store_id, customer_ref);

CREATE TABLE follow_up (
    store_id     text        NOT NULL,
    follow_up_id text        NOT NULL,
    order_id     text        NOT NULL,
    customer_ref text        NOT NULL,
    agent_id     text        NOT NULL,
    due_at       timestamptz NOT NULL,
    completed_at timestamptz,
    completed_by text,
    reached      boolean,
    satisfaction smallint    CHECK (satisfaction BETWEEN 1 AND 5),
    channel      text        CHECK (channel IN ('phone', 'email', 'sms')),
    record       bytea,
    PRIMARY KEY (store_id, follow_up_id),
    UNIQUE (store_id, order_id)
);
-- Agents' lists, and the number of open calls by which they are balanced.
CREATE INDEX follow_up_open ON follow_up (store_id, due_at) WHERE completed_at IS NULL;
CREATE INDEX follow_up_completed ON follow_up (store_id, completed_at)
    WHERE completed_at IS NOT NULL;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['customer', 'vehicle', 'delivery', 'follow_up'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY own_stores ON %I TO crm '
                       'USING (store_id = ANY ((SELECT stores_in_scope())::text[]))', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE ON %I TO crm', name);
    END LOOP;
END
$$;
