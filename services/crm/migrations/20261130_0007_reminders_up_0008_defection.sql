-- Loyalty tiers as they are kept (忠诚度), and lost customers (流失客户).

-- What the last review of a customer has found: tier, visits and spend in the group, and from when
-- the customer is at risk and lost if they stay away. tier_when_here: the tier at the last visit.
CREATE TABLE customer_review (
    store_id          text             NOT NULL,
    customer_ref      text             NOT NULL,
    tier              text             CHECK (tier IN ('gold', 'silver', 'bronze')),
    tier_when_here    text             CHECK (tier_when_here IN ('gold', 'silver', 'bronze')),
    tier_rule         text             NOT NULL,
    visits            integer          NOT NULL,
    recent_visits     integer          NOT NULL,
    recent_cents      bigint           NOT NULL,
    last_visit_at     timestamptz      NOT NULL,
    last_own_visit_at timestamptz      NOT NULL,
    tier_until        timestamptz,
    next_tier         text             CHECK (next_tier IN ('gold', 'silver', 'bronze')),
    visits_missing    integer          NOT NULL,
    cents_missing     bigint           NOT NULL,
    interval_days     double precision,
    spread_days       double precision,
    at_risk_at        timestamptz,
    lapses_at         timestamptz,
    lapse_basis       text             CHECK (lapse_basis IN ('formula', 'rhythm')),
    PRIMARY KEY (store_id, customer_ref)
) WITH (fillfactor = 80);

-- Order of the tiers in lists: loyal customers first.
CREATE FUNCTION tier_rank(tier text) RETURNS smallint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN coalesce(array_position(ARRAY['gold', 'silver', 'bronze'], tier), 4);

-- The list of customers at risk, and those who are about to fall or to rise.
CREATE INDEX customer_review_at_risk
    ON customer_review (store_id, tier_rank(tier_when_here), lapses_at, customer_ref);
CREATE INDEX customer_review_falls ON customer_review (store_id, tier_until)
    WHERE tier IS NOT NULL;
CREATE INDEX customer_review_rises ON customer_review (store_id, tier_rank(next_tier))
    WHERE next_tier IS NOT NULL;

-- Changes of tiers, for the trend and for who rose or fell.
CREATE TABLE tier_change (
    store_id     text        NOT NULL,
    customer_ref text        NOT NULL,
    changed_at   timestamptz NOT NULL,
    old_tier     text,
    new_tier     text,
    reasons      text[]      NOT NULL,
    rose         boolean     NOT NULL
        GENERATED ALWAYS AS (tier_rank(new_tier) < tier_rank(old_tier)) STORED,
    PRIMARY KEY (store_id, customer_ref, changed_at)
);
CREATE INDEX tier_change_listed ON tier_change (store_id, rose, changed_at);

-- Lost customers, one row an absence. note: what the customer said, encrypted under their key.
CREATE TABLE lapse (
    store_id      text             NOT NULL,
    lapse_id      text             NOT NULL,
    customer_ref  text             NOT NULL,
    tier          text             CHECK (tier IN ('gold', 'silver', 'bronze')),
    basis         text             NOT NULL CHECK (basis IN ('formula', 'rhythm')),
    visits        integer          NOT NULL,
    last_visit_at timestamptz      NOT NULL,
    interval_days double precision,
    lapsed_at     timestamptz      NOT NULL,
    cause         text,
    cause_by      text,
    cause_at      timestamptz,
    note          bytea,
    result        text,
    result_by     text,
    result_at     timestamptz,
    won_back_at   timestamptz,
    PRIMARY KEY (store_id, lapse_id)
);
-- A customer is lost once at a time.
CREATE UNIQUE INDEX lapse_open ON lapse (store_id, customer_ref) WHERE won_back_at IS NULL;
-- The list of lost customers, loyal ones first, and the months.
CREATE INDEX lapse_listed
    ON lapse (store_id, tier_rank(tier), lapsed_at DESC, lapse_id) WHERE won_back_at IS NULL;
CREATE INDEX lapse_lapsed ON lapse (store_id, lapsed_at);
CREATE INDEX lapse_won_back ON lapse (store_id, won_back_at) WHERE won_back_at IS NOT NULL;

-- Visits of customers of one store to all stores of the group, each with time and spend, and the
-- brands of their vehicles: nothing about any person. It runs as the owner, in the store's name. A
-- customer of several stores is one by telephone number, as in customer_history_in_group.
CREATE FUNCTION visits_of_customers_in_group(of_store text, customer_refs text[])
    RETURNS TABLE (customer_ref text, brands text[], delivered_at timestamptz[],
                   spent_cents bigint[], is_own boolean[])
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = crm, pg_temp
AS $$
BEGIN
    IF NOT of_store = ANY (stores_in_scope()) THEN
        RAISE insufficient_privilege USING MESSAGE = 'the store is not in scope';
    END IF;
    RETURN QUERY
    WITH known AS (
        SELECT mine.customer_ref AS asked, other.store_id, other.customer_ref
        FROM customer AS mine JOIN customer AS other USING (person_ref)
        WHERE mine.store_id = of_store AND mine.customer_ref = ANY (customer_refs)
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

-- Grants and policies.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['customer_review', 'tier_change', 'lapse'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY own_stores ON %I TO crm '
                       'USING (store_id = ANY ((SELECT stores_in_scope())::text[]))', name);
        EXECUTE format('GRANT SELECT, INSERT ON %I TO crm', name);
    END LOOP;
END
$$;
GRANT UPDATE ON customer_review, lapse TO crm;
REVOKE ALL ON FUNCTION visits_of_customers_in_group FROM PUBLIC;
GRANT EXECUTE ON FUNCTION visits_of_customers_in_group TO crm;
