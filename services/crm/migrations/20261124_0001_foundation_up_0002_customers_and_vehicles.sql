-- The records of persons (客户档案), their visits, follow-ups (回访) and messages (客户通知). Names,
-- phones, plates, VINs and records of calls are encrypted under the customer's subject key;
-- references are keyed hashes.

-- Customers and how they want to be told, which is saved in versions. Addresses stand here,
-- encrypted, and nowhere else. address_changes: who has set each of them since the customer was
-- registered, and when.
CREATE TABLE customer (
    store_id           text        NOT NULL,
    customer_ref       text        NOT NULL,
    phone_ref          text        NOT NULL,
    name               bytea       NOT NULL,
    phone              bytea       NOT NULL,
    email              bytea,
    wecom_id           bytea,
    registered_at      timestamptz NOT NULL,
    language           text        NOT NULL DEFAULT 'zh' CHECK (language IN ('zh', 'en')),
    preferred_channel  text        CHECK (preferred_channel IN ('wecom', 'sms', 'email')),
    declined_channels  text[]      NOT NULL DEFAULT '{}',
    address_changes    jsonb       NOT NULL DEFAULT '{}',
    contact_version    integer     NOT NULL DEFAULT 0,
    contact_changed_by text,
    contact_changed_at timestamptz,
    PRIMARY KEY (store_id, customer_ref)
);
-- A person who comes with another vehicle is found by phone.
CREATE INDEX customer_phone ON customer (store_id, phone_ref, registered_at);

-- Vehicles, each with the customer it belongs to.
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

-- Visits, known from their first event on, also while their customer is not. spent_cents: the
-- customer's share of the invoice, less credit notes.
CREATE TABLE service_visit (
    store_id     text        NOT NULL,
    order_id     text        NOT NULL,
    customer_ref text,
    waiting      boolean     NOT NULL DEFAULT false,
    ready_at     timestamptz,
    delivered_at timestamptz,
    ended_at     timestamptz,
    spent_cents  bigint      NOT NULL DEFAULT 0,
    PRIMARY KEY (store_id, order_id)
);

-- Calls to customers after a delivery. attempts counts those that reached nobody.
CREATE TABLE follow_up (
    store_id     text        NOT NULL,
    follow_up_id text        NOT NULL,
    order_id     text        NOT NULL,
    customer_ref text        NOT NULL,
    agent_id     text        NOT NULL,
    due_at       timestamptz NOT NULL,
    attempts     smallint    NOT NULL DEFAULT 0,
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

-- Messages to customers. link is the one secret in a message; it is encrypted under the customer's
-- subject key. claimed_until, in real time, keeps other processes off while an attempt is under
-- way. calls counts those that reached nobody. contact_set_by, contact_set_at: who had set the
-- contact point to which the message went, and when.
CREATE TABLE message (
    store_id           text        NOT NULL,
    message_id         text        NOT NULL,
    customer_ref       text,
    order_id           text,
    about              text,
    message_type       text        NOT NULL,
    "values"           jsonb       NOT NULL,
    link               bytea,
    created_at         timestamptz NOT NULL,
    expires_at         timestamptz,
    state              text        NOT NULL CHECK (state IN (
        'waiting', 'sending', 'sent', 'call_required', 'called', 'not_reached', 'suppressed')),
    channel            text        CHECK (channel IN ('wecom', 'sms', 'email')),
    contact_set_by     text,
    contact_set_at     timestamptz,
    tries              smallint    NOT NULL,
    retry_at           timestamptz,
    exhausted_channels text[]      NOT NULL,
    uncertain          boolean     NOT NULL,
    reason             text,
    agent_id           text,
    calls              smallint    NOT NULL DEFAULT 0,
    notified_at        timestamptz,
    claimed_until      timestamptz,
    PRIMARY KEY (store_id, message_id)
);
-- What a customer was told, and what about an order.
CREATE INDEX message_customer ON message (store_id, customer_ref, created_at);
CREATE INDEX message_order ON message (store_id, order_id, created_at);
-- An appointment or additional work that is settled ends what is still to be told about it.
CREATE INDEX message_about ON message (store_id, about)
    WHERE state IN ('waiting', 'sending', 'call_required');
-- Agents' call tasks, and the number of them by which agents are balanced.
CREATE INDEX message_call_required ON message (store_id, created_at) WHERE state = 'call_required';

-- What the customer of a vehicle has brought to all stores of the group (集团累计到店与消费): sums,
-- nothing about any person. A customer of several stores is one by telephone number. It runs as the owner, in a store's name, and for one vehicle, known
-- by its VIN's or plate's reference.
CREATE FUNCTION customer_history_in_group(reference text, since timestamptz)
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
-- The same of all customers to whom a vehicle was delivered in a time, once for each brand of their
-- vehicles: sums, with the reference of a telephone number, which stays in this service. It is for
-- the group, which shows numbers of customers alone.
CREATE FUNCTION histories_of_deliveries_in_group(
        delivered_from timestamptz, delivered_until timestamptz, since timestamptz)
    RETURNS TABLE (customer text, brand text, visits bigint, recent_visits bigint,
                   recent_cents bigint, last_visit_at timestamptz, stores text[])
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = crm, pg_temp
AS $$
BEGIN
    IF stores_in_scope() IS DISTINCT FROM ARRAY['_group'] THEN
        RAISE insufficient_privilege USING MESSAGE = 'the group is not in scope';
    END IF;
    RETURN QUERY
    WITH person AS (
        SELECT DISTINCT c.phone_ref
        FROM service_visit AS v JOIN customer AS c USING (store_id, customer_ref)
        WHERE v.delivered_at >= delivered_from AND v.delivered_at <= delivered_until
    ),
    history AS (
        SELECT c.phone_ref,
               count(*) AS visits,
               count(*) FILTER (WHERE v.delivered_at >= since) AS recent_visits,
               coalesce(sum(v.spent_cents) FILTER (WHERE v.delivered_at >= since), 0)::bigint
                   AS recent_cents,
               max(v.delivered_at) AS last_visit_at,
               array_agg(DISTINCT v.store_id) AS stores
        FROM person
        JOIN customer AS c USING (phone_ref)
        JOIN service_visit AS v USING (store_id, customer_ref)
        WHERE v.delivered_at IS NOT NULL
        GROUP BY c.phone_ref
    ),
    brands AS (
        SELECT DISTINCT c.phone_ref, w.brand
        FROM person
        JOIN customer AS c USING (phone_ref)
        JOIN vehicle AS w USING (store_id, customer_ref)
    )
    SELECT h.phone_ref, b.brand, h.visits, h.recent_visits, h.recent_cents, h.last_visit_at,
           h.stores
    FROM history AS h LEFT JOIN brands AS b USING (phone_ref);
END
$$;
-- Deliveries come nearly in the order of their time.
CREATE INDEX service_visit_delivered ON service_visit USING brin (delivered_at);
-- Each step of customer_history_in_group, without a store.
CREATE INDEX vehicle_reference ON vehicle (vehicle_ref);
CREATE INDEX vehicle_plate_in_group ON vehicle (plate_ref);
CREATE INDEX customer_reference ON customer (customer_ref);
CREATE INDEX customer_phone_in_group ON customer (phone_ref);
CREATE INDEX service_visit_customer ON service_visit (customer_ref, delivered_at);

-- Grants and policies.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['customer', 'vehicle', 'service_visit', 'follow_up', 'message'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY own_stores ON %I TO crm '
                       'USING (store_id = ANY ((SELECT stores_in_scope())::text[]))', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE ON %I TO crm', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['customer', 'vehicle', 'service_visit'] LOOP
        EXECUTE format('CREATE POLICY group_history ON %I FOR SELECT TO crm_owner USING (true)',
                       name);
    END LOOP;
END
$$;
REVOKE ALL ON FUNCTION customer_history_in_group, histories_of_deliveries_in_group FROM PUBLIC;
GRANT EXECUTE ON FUNCTION customer_history_in_group, histories_of_deliveries_in_group TO crm;
