-- Customers who are one by decision (客户合并), and records that look like one customer (重复客户).

-- From merged_at until unmerged_at, alias_ref is read as customer_ref. Facts keep the reference
-- under which they came.
CREATE TABLE customer_alias (
    store_id     text        NOT NULL,
    alias_ref    text        NOT NULL,
    customer_ref text        NOT NULL,
    merged_by    text        NOT NULL,
    merged_at    timestamptz NOT NULL,
    unmerged_by  text,
    unmerged_at  timestamptz,
    entry        bigint      GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (store_id, entry),
    FOREIGN KEY (store_id, alias_ref) REFERENCES customer,
    FOREIGN KEY (store_id, customer_ref) REFERENCES customer,
    CHECK (alias_ref <> customer_ref)
);
-- A customer is read as one other at a time, and the others of a customer.
CREATE UNIQUE INDEX customer_alias_present ON customer_alias (store_id, alias_ref)
    WHERE unmerged_at IS NULL;
CREATE INDEX customer_alias_into ON customer_alias (store_id, customer_ref)
    WHERE unmerged_at IS NULL;
-- The same by reference alone, for the group.
CREATE INDEX customer_alias_in_group ON customer_alias (alias_ref) WHERE unmerged_at IS NULL;
CREATE INDEX customer_alias_into_in_group ON customer_alias (customer_ref)
    WHERE unmerged_at IS NULL;

CREATE VIEW present_alias WITH (security_invoker) AS
    SELECT store_id, alias_ref, customer_ref, merged_at FROM customer_alias
    WHERE unmerged_at IS NULL;

-- Pairs that look like one customer; first_ref is before second_ref. signs: what they have in
-- common. An open pair is no fact: it is deleted when its customers change. different_by has said
-- that they are two.
CREATE TABLE duplicate (
    store_id     text        NOT NULL,
    first_ref    text        NOT NULL,
    second_ref   text        NOT NULL,
    score        smallint    NOT NULL CHECK (score BETWEEN 0 AND 100),
    signs        text[]      NOT NULL,
    found_at     timestamptz NOT NULL,
    different_by text,
    different_at timestamptz,
    PRIMARY KEY (store_id, first_ref, second_ref),
    CHECK (first_ref < second_ref COLLATE "C")
);
-- The list, the most likely first, and the pairs of a customer.
CREATE INDEX duplicate_listed ON duplicate (store_id, score DESC, first_ref, second_ref)
    WHERE different_at IS NULL;
CREATE INDEX duplicate_second ON duplicate (store_id, second_ref);

-- Customers with one name, telephone number, plate or vehicle are found by it.
CREATE INDEX customer_name ON customer (store_id, name_ref);

-- As whom a reference is read.
CREATE FUNCTION read_as(of_store text, reference text) RETURNS text
    LANGUAGE sql STABLE
    RETURN coalesce((SELECT customer_ref FROM present_alias
                     WHERE store_id = of_store AND alias_ref = reference), reference);

-- All references of a customer, who is named by any of them.
CREATE FUNCTION references_of(of_store text, reference text) RETURNS text[]
    LANGUAGE sql STABLE
    RETURN read_as(of_store, reference) || ARRAY(
        SELECT alias_ref FROM present_alias
        WHERE store_id = of_store AND customer_ref = read_as(of_store, reference));

-- The same of several customers.
CREATE FUNCTION all_references(of_store text, customer_refs text[]) RETURNS SETOF text
    LANGUAGE sql STABLE
BEGIN ATOMIC
    WITH asked AS (
        SELECT coalesce(alias.customer_ref, ref) AS ref
        FROM unnest(customer_refs) AS ref
        LEFT JOIN present_alias AS alias ON alias.store_id = of_store AND alias.alias_ref = ref
    )
    SELECT ref FROM asked
    UNION
    SELECT alias.alias_ref FROM asked
    JOIN present_alias AS alias ON alias.store_id = of_store AND alias.customer_ref = asked.ref;
END;

-- As before, where customers who are merged are one, in each store of the group.
CREATE OR REPLACE FUNCTION customer_history_in_group(reference text, since timestamptz)
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
    named AS (
        SELECT c.store_id, c.customer_ref
        FROM customer AS c
        WHERE c.person_ref IN (
            SELECT person_ref FROM customer JOIN known USING (store_id)
            WHERE customer.customer_ref = ANY (references_of(known.store_id, known.customer_ref)))
    ),
    person AS (
        SELECT DISTINCT store_id, one.customer_ref
        FROM named CROSS JOIN unnest(references_of(store_id, named.customer_ref))
            AS one (customer_ref)
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

CREATE OR REPLACE FUNCTION histories_of_deliveries_in_group(
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
    WITH merged AS (
        SELECT other.person_ref, min(main.person_ref) AS read_as
        FROM present_alias AS alias
        JOIN customer AS other
            ON other.store_id = alias.store_id AND other.customer_ref = alias.alias_ref
        JOIN customer AS main
            ON main.store_id = alias.store_id AND main.customer_ref = alias.customer_ref
        WHERE other.person_ref <> main.person_ref
        GROUP BY other.person_ref
    ),
    person AS (
        SELECT DISTINCT coalesce(merged.read_as, c.person_ref) AS ref
        FROM service_visit AS v
        JOIN customer AS c USING (store_id, customer_ref)
        LEFT JOIN merged USING (person_ref)
        WHERE v.delivered_at >= delivered_from AND v.delivered_at <= delivered_until
    ),
    known AS (
        SELECT ref, ref AS person_ref FROM person
        UNION
        SELECT ref, merged.person_ref FROM person JOIN merged ON merged.read_as = ref
    ),
    history AS (
        SELECT known.ref,
               count(*) AS visits,
               count(*) FILTER (WHERE v.delivered_at >= since) AS recent_visits,
               coalesce(sum(v.spent_cents) FILTER (WHERE v.delivered_at >= since), 0)::bigint
                   AS recent_cents,
               max(v.delivered_at) AS last_visit_at,
               array_agg(DISTINCT v.store_id) AS stores
        FROM known
        JOIN customer AS c USING (person_ref)
        JOIN service_visit AS v USING (store_id, customer_ref)
        WHERE v.delivered_at IS NOT NULL
        GROUP BY known.ref
    ),
    brands AS (
        SELECT DISTINCT known.ref, w.brand
        FROM known
        JOIN customer AS c USING (person_ref)
        JOIN vehicle AS w USING (store_id, customer_ref)
    )
    SELECT h.ref, b.brand, h.visits, h.recent_visits, h.recent_cents, h.last_visit_at, h.stores
    FROM history AS h LEFT JOIN brands AS b USING (ref);
END
$$;

CREATE OR REPLACE FUNCTION visits_of_customers_in_group(of_store text, customer_refs text[])
    RETURNS TABLE (customer_ref text, brands text[], delivered_at timestamptz[],
                   spent_cents bigint[], is_own boolean[])
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = crm, pg_temp
AS $$
BEGIN
    IF NOT of_store = ANY (stores_in_scope()) THEN
        RAISE insufficient_privilege USING MESSAGE = 'the store is not in scope';
    END IF;
    RETURN QUERY
    WITH mine AS (
        SELECT ref AS asked, ref FROM unnest(customer_refs) AS ref
        UNION
        SELECT alias.customer_ref, alias.alias_ref FROM present_alias AS alias
        WHERE alias.store_id = of_store AND alias.customer_ref = ANY (customer_refs)
    ),
    named AS (
        SELECT mine.asked, other.store_id, other.customer_ref
        FROM mine
        JOIN customer AS own ON own.store_id = of_store AND own.customer_ref = mine.ref
        JOIN customer AS other USING (person_ref)
    ),
    known AS (
        SELECT * FROM named
        UNION
        SELECT named.asked, named.store_id, alias.alias_ref
        FROM named JOIN present_alias AS alias USING (store_id, customer_ref)
        UNION
        SELECT named.asked, named.store_id, alias.customer_ref
        FROM named JOIN present_alias AS alias
            ON alias.store_id = named.store_id AND alias.alias_ref = named.customer_ref
    ),
    owned AS (
        SELECT known.asked, array_agg(DISTINCT vehicle.brand) AS brands
        FROM known JOIN vehicle USING (store_id, customer_ref)
        GROUP BY known.asked
    ),
    visited AS (
        SELECT known.asked,
               array_agg(visit.delivered_at ORDER BY visit.delivered_at) AS delivered_at,
               array_agg(visit.spent_cents ORDER BY visit.delivered_at) AS spent_cents,
               array_agg(visit.store_id = of_store ORDER BY visit.delivered_at) AS is_own
        FROM known JOIN service_visit AS visit USING (store_id, customer_ref)
        WHERE visit.delivered_at IS NOT NULL
        GROUP BY known.asked
    )
    SELECT visited.asked, coalesce(owned.brands, '{}'), visited.delivered_at,
           visited.spent_cents, visited.is_own
    FROM visited LEFT JOIN owned USING (asked);
END
$$;

CREATE OR REPLACE FUNCTION is_asked_in_group(customer text, since timestamptz) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = crm, pg_temp
AS $$
DECLARE
    read_as text := coalesce((SELECT a.customer_ref FROM present_alias AS a
                              WHERE a.alias_ref = customer), customer);
    person  text;
BEGIN
    PERFORM require_question(customer);
    SELECT person_ref INTO person FROM customer AS c WHERE c.customer_ref = read_as;
    PERFORM pg_advisory_xact_lock(hashtextextended('survey/' || coalesce(person, read_as), 0));
    RETURN EXISTS (
        SELECT FROM survey AS s
        WHERE s.asked_at > since
          AND (s.customer_ref IN (customer, read_as)
               OR s.customer_ref IN (SELECT a.alias_ref FROM present_alias AS a
                                     WHERE a.customer_ref = read_as)
               OR s.customer_ref IN (SELECT c.customer_ref FROM customer AS c
                                     WHERE c.person_ref = person)));
END
$$;

-- Grants and policies.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['customer_alias', 'duplicate'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY own_stores ON %I TO crm '
                       'USING (store_id = ANY ((SELECT stores_in_scope())::text[]))', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE ON %I TO crm', name);
    END LOOP;
END
$$;
CREATE POLICY group_history ON customer_alias FOR SELECT TO crm_owner USING (true);
GRANT SELECT ON present_alias TO crm;
GRANT DELETE ON duplicate TO crm;
