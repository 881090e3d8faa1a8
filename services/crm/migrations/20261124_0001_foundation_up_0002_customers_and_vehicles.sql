-- The records of persons and companies (客户档案) and of vehicles (车辆档案), their visits and messages
-- (客户通知). Names, phones, plates and VINs are encrypted under the customer's subject key; columns
-- that end in _ref and are not ids are keyed hashes.

-- Customers and how they want to be told, each saved in versions. name_ref: two names that are
-- spelled alike; person_ref: name and first telephone number, by which the same person is known in
-- other stores.
CREATE TABLE customer (
    store_id           text        NOT NULL,
    customer_ref       text        NOT NULL,
    kind               text        NOT NULL DEFAULT 'person' CHECK (kind IN ('person', 'company')),
    name               bytea       NOT NULL,
    name_ref           text        NOT NULL,
    person_ref         text        NOT NULL,
    registered_at      timestamptz NOT NULL,
    version            integer     NOT NULL DEFAULT 1,
    changed_by         text,
    changed_at         timestamptz,
    language           text        NOT NULL DEFAULT 'zh' CHECK (language IN ('zh', 'en')),
    preferred_channel  text        CHECK (preferred_channel IN ('wecom', 'sms', 'email')),
    declined_channels  text[]      NOT NULL DEFAULT '{}',
    contact_version    integer     NOT NULL DEFAULT 0,
    contact_changed_by text,
    contact_changed_at timestamptz,
    PRIMARY KEY (store_id, customer_ref)
);

-- Earlier versions of who a customer is (更正记录), with who made each of them.
CREATE TABLE customer_version (
    store_id     text        NOT NULL,
    customer_ref text        NOT NULL,
    version      integer     NOT NULL,
    kind         text        NOT NULL,
    name         bytea       NOT NULL,
    changed_by   text,
    changed_at   timestamptz,
    PRIMARY KEY (store_id, customer_ref, version),
    FOREIGN KEY (store_id, customer_ref) REFERENCES customer
);

-- Contact points (联系方式): telephone numbers, e-mail addresses and WeCom ids, with whose they are.
-- Addresses stand here, encrypted, and nowhere else. Nothing is deleted: it ends. at_registration:
-- it was taken down when the customer was registered.
CREATE TABLE contact_point (
    store_id         text        NOT NULL,
    contact_point_id text        NOT NULL,
    customer_ref     text        NOT NULL,
    kind             text        NOT NULL CHECK (kind IN ('phone', 'email', 'wecom')),
    holder           text        NOT NULL DEFAULT 'own'
        CHECK (holder IN ('own', 'family', 'contact_person', 'driver')),
    value            bytea       NOT NULL,
    value_ref        text        NOT NULL,
    declined         boolean     NOT NULL DEFAULT false,
    set_by           text        NOT NULL,
    set_at           timestamptz NOT NULL,
    at_registration  boolean     NOT NULL DEFAULT false,
    ended_by         text,
    ended_at         timestamptz,
    PRIMARY KEY (store_id, contact_point_id),
    FOREIGN KEY (store_id, customer_ref) REFERENCES customer
);
CREATE INDEX contact_point_customer ON contact_point (store_id, customer_ref, kind, set_at)
    WHERE ended_at IS NULL;
-- Persons who share a telephone number are found by it.
CREATE INDEX contact_point_value ON contact_point (store_id, kind, value_ref)
    WHERE ended_at IS NULL;

-- Vehicles, each with its present owner, under whose key its VIN is encrypted. vehicle_ref is the
-- same in all stores of the group.
CREATE TABLE vehicle (
    store_id     text        NOT NULL,
    vehicle_ref  text        NOT NULL,
    customer_ref text        NOT NULL,
    owned_since  timestamptz NOT NULL,
    vin_ref      text        NOT NULL,
    vin          bytea       NOT NULL,
    brand        text        NOT NULL,
    model        text        NOT NULL,
    PRIMARY KEY (store_id, vehicle_ref),
    UNIQUE (store_id, vin_ref),
    FOREIGN KEY (store_id, customer_ref) REFERENCES customer
);
CREATE INDEX vehicle_owner ON vehicle (store_id, customer_ref);

-- VINs that were wrong (更正车架号), encrypted as they were, with who corrected them.
CREATE TABLE vin_correction (
    store_id     text        NOT NULL,
    entry        bigint      GENERATED ALWAYS AS IDENTITY,
    vehicle_ref  text        NOT NULL,
    customer_ref text        NOT NULL,
    vin          bytea       NOT NULL,
    corrected_by text        NOT NULL,
    corrected_at timestamptz NOT NULL,
    PRIMARY KEY (store_id, vehicle_ref, entry),
    FOREIGN KEY (store_id, vehicle_ref) REFERENCES vehicle
);
CREATE INDEX vin_correction_customer ON vin_correction (store_id, customer_ref);

-- People of a vehicle over time (车主, 驾驶人, 付款人, 送修人). Its present owner is also in vehicle.
CREATE TABLE vehicle_person (
    store_id     text        NOT NULL,
    vehicle_ref  text        NOT NULL,
    customer_ref text        NOT NULL,
    role         text        NOT NULL CHECK (role IN ('owner', 'driver', 'payer', 'bringer')),
    since        timestamptz NOT NULL,
    set_by       text        NOT NULL,
    until        timestamptz,
    ended_by     text,
    entry        bigint      GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (store_id, entry),
    FOREIGN KEY (store_id, vehicle_ref) REFERENCES vehicle,
    FOREIGN KEY (store_id, customer_ref) REFERENCES customer
);
CREATE UNIQUE INDEX vehicle_one_owner ON vehicle_person (store_id, vehicle_ref)
    WHERE role = 'owner' AND until IS NULL;
CREATE UNIQUE INDEX vehicle_person_present
    ON vehicle_person (store_id, vehicle_ref, customer_ref, role) WHERE until IS NULL;
CREATE INDEX vehicle_people ON vehicle_person (store_id, vehicle_ref);
CREATE INDEX vehicle_person_customer ON vehicle_person (store_id, customer_ref);

-- Plates by date (车牌): a plate moves to its owner's next car. It is encrypted under the key of
-- customer_ref, who owned the vehicle then.
CREATE TABLE vehicle_plate (
    store_id     text        NOT NULL,
    vehicle_ref  text        NOT NULL,
    customer_ref text        NOT NULL,
    plate_ref    text        NOT NULL,
    plate        bytea       NOT NULL,
    since        timestamptz NOT NULL,
    until        timestamptz,
    entry        bigint      GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (store_id, entry),
    FOREIGN KEY (store_id, vehicle_ref) REFERENCES vehicle,
    FOREIGN KEY (store_id, customer_ref) REFERENCES customer
);
-- Reception asks by plate; one vehicle wears it at a time, and wears one.
CREATE UNIQUE INDEX plate_of_one_vehicle ON vehicle_plate (store_id, plate_ref)
    WHERE until IS NULL;
CREATE UNIQUE INDEX vehicle_one_plate ON vehicle_plate (store_id, vehicle_ref)
    WHERE until IS NULL;
-- Pages name vehicles by the plates that they had.
CREATE INDEX vehicle_plates ON vehicle_plate (store_id, vehicle_ref);
CREATE INDEX vehicle_plate_reference ON vehicle_plate (store_id, plate_ref, since);

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

-- What the owner of a vehicle has brought to all stores of the group (集团累计到店与消费): sums,
-- nothing about any person. A customer of several stores is one by name and telephone number. It
-- runs as the owner, in a store's name, and for one vehicle, known by its own or its plate's
-- reference; where stores name different owners, the asking store's is meant, else the latest.
CREATE FUNCTION customer_history_in_group(reference text, since timestamptz)
    RETURNS TABLE (brand text, visits bigint, recent_visits bigint, recent_cents bigint,
                   last_visit_at timestamptz, stores text[])
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = crm, pg_temp
AS $$
    WITH known AS (
        SELECT v.store_id, v.customer_ref, v.brand
        FROM (
            SELECT store_id, vehicle_ref FROM vehicle WHERE vehicle_ref = reference
            UNION
            SELECT store_id, vehicle_ref FROM vehicle_plate
            WHERE plate_ref = reference AND until IS NULL
        ) AS meant JOIN vehicle AS v USING (store_id, vehicle_ref)
        WHERE require_question(reference)
        ORDER BY v.store_id = ANY (stores_in_scope()) DESC, v.owned_since DESC
        LIMIT 1
    ),
    person AS (
        SELECT store_id, customer_ref FROM customer
        WHERE person_ref IN (
            SELECT person_ref FROM customer JOIN known USING (store_id, customer_ref))
    )
    SELECT (SELECT brand FROM known),
           count(*),
           count(*) FILTER (WHERE delivered_at >= since),
           coalesce(sum(spent_cents) FILTER (WHERE delivered_at >= since), 0)::bigint,
           max(delivered_at),
           coalesce(array_agg(DISTINCT store_id), '{}')
    FROM service_visit JOIN person USING (store_id, customer_ref)
    WHERE delivered_at IS NOT NULL
$$;
-- The same of all customers to whom a vehicle was delivered in a time, once for each brand of their
-- vehicles: sums, with the reference of a person, which stays in this service. It is for
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
        SELECT DISTINCT c.person_ref
        FROM service_visit AS v JOIN customer AS c USING (store_id, customer_ref)
        WHERE v.delivered_at >= delivered_from AND v.delivered_at <= delivered_until
    ),
    history AS (
        SELECT c.person_ref,
               count(*) AS visits,
               count(*) FILTER (WHERE v.delivered_at >= since) AS recent_visits,
               coalesce(sum(v.spent_cents) FILTER (WHERE v.delivered_at >= since), 0)::bigint
                   AS recent_cents,
               max(v.delivered_at) AS last_visit_at,
               array_agg(DISTINCT v.store_id) AS stores
        FROM person
        JOIN customer AS c USING (person_ref)
        JOIN service_visit AS v USING (store_id, customer_ref)
        WHERE v.delivered_at IS NOT NULL
        GROUP BY c.person_ref
    ),
    brands AS (
        SELECT DISTINCT c.person_ref, w.brand
        FROM person
        JOIN customer AS c USING (person_ref)
        JOIN vehicle AS w USING (store_id, customer_ref)
    )
    SELECT h.person_ref, b.brand, h.visits, h.recent_visits, h.recent_cents, h.last_visit_at,
           h.stores
    FROM history AS h LEFT JOIN brands AS b USING (person_ref);
END
$$;
-- The reference of a vehicle in other stores of the group, by its VIN's, and the VIN's reference of a
-- vehicle that another store knows: nothing about any person.
CREATE FUNCTION vehicle_identity_in_group(of_vin text, of_vehicle text)
    RETURNS TABLE (vehicle_ref text, vin_ref text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = crm, pg_temp
AS $$
BEGIN
    PERFORM require_question(of_vin, of_vehicle);
    RETURN QUERY
    SELECT DISTINCT v.vehicle_ref, v.vin_ref FROM vehicle AS v
    WHERE v.vin_ref = of_vin OR v.vehicle_ref = of_vehicle;
END
$$;
-- Deliveries come nearly in the order of their time.
CREATE INDEX service_visit_delivered ON service_visit USING brin (delivered_at);
-- Each step of customer_history_in_group, without a store.
CREATE INDEX vehicle_reference ON vehicle (vehicle_ref);
CREATE INDEX vehicle_vin_in_group ON vehicle (vin_ref);
CREATE INDEX vehicle_plate_in_group ON vehicle_plate (plate_ref) WHERE until IS NULL;
CREATE INDEX customer_person_in_group ON customer (person_ref);
CREATE INDEX service_visit_customer ON service_visit (store_id, customer_ref, delivered_at);

-- Grants and policies.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['customer', 'customer_version', 'contact_point', 'vehicle',
                                'vin_correction', 'vehicle_person', 'vehicle_plate',
                                'service_visit', 'message'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY own_stores ON %I TO crm '
                       'USING (store_id = ANY ((SELECT stores_in_scope())::text[]))', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE ON %I TO crm', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['customer', 'vehicle', 'vehicle_plate', 'service_visit'] LOOP
        EXECUTE format('CREATE POLICY group_history ON %I FOR SELECT TO crm_owner USING (true)',
                       name);
    END LOOP;
END
$$;
REVOKE ALL ON FUNCTION customer_history_in_group, histories_of_deliveries_in_group,
    vehicle_identity_in_group FROM PUBLIC;
GRANT EXECUTE ON FUNCTION customer_history_in_group, histories_of_deliveries_in_group,
    vehicle_identity_in_group TO crm;
