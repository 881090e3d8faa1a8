-- Satisfaction surveys (满意度调查). What customers write is encrypted under their subject key.

-- Who worked on a visit, by role.
CREATE TABLE visit_staff (
    store_id  text NOT NULL,
    order_id  text NOT NULL,
    role      text NOT NULL,
    person_id text NOT NULL,
    PRIMARY KEY (store_id, order_id, role, person_id)
);

-- Versions of the questionnaire by which customers of a store were asked; they never change.
CREATE TABLE asked_version (
    store_id      text  NOT NULL,
    version       text  NOT NULL,
    questionnaire jsonb NOT NULL,
    PRIMARY KEY (store_id, version)
);

-- One survey a visit. token_hash: of the link's token, which is not kept. factor_means: on 1,000.
CREATE TABLE survey (
    store_id     text        NOT NULL,
    survey_id    text        NOT NULL,
    order_id     text        NOT NULL,
    customer_ref text        NOT NULL,
    version      text        NOT NULL,
    channel      text        NOT NULL CHECK (channel IN ('link', 'phone')),
    asked_at     timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    token_hash   bytea,
    answered_at  timestamptz,
    answered_by  text,
    scores       jsonb,
    factor_means jsonb,
    low_factors  text[]      NOT NULL DEFAULT '{}',
    csi          float8,
    words        bytea,
    PRIMARY KEY (store_id, survey_id),
    UNIQUE (store_id, order_id),
    FOREIGN KEY (store_id, version) REFERENCES asked_version
);
CREATE INDEX survey_token ON survey (store_id, token_hash) WHERE token_hash IS NOT NULL;
-- Results of a period, and the list of answers.
CREATE INDEX survey_answered ON survey (store_id, answered_at, survey_id)
    WHERE answered_at IS NOT NULL;
-- The list of surveys, the newest first; how many were asked in a period.
CREATE INDEX survey_asked ON survey (store_id, asked_at, survey_id);
-- When a customer was asked last, at every store.
CREATE INDEX survey_customer ON survey (customer_ref, asked_at);

-- Whether the person was asked since then, at any store of the group. The same person at another
-- store has the same telephone number. It answers with nothing else, and holds the person until the
-- transaction ends, so that two stores do not ask at once.
CREATE FUNCTION is_asked_in_group(customer text, since timestamptz) RETURNS boolean
    LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = crm, pg_temp
AS $$
DECLARE
    person text;
BEGIN
    PERFORM require_question(customer);
    SELECT person_ref INTO person FROM customer AS c WHERE c.customer_ref = customer;
    PERFORM pg_advisory_xact_lock(hashtextextended('survey/' || coalesce(person, customer), 0));
    RETURN EXISTS (
        SELECT FROM survey AS s
        WHERE s.asked_at > since
          AND (s.customer_ref = customer
               OR s.customer_ref IN (SELECT c.customer_ref FROM customer AS c
                                     WHERE c.person_ref = person)));
END
$$;

-- Answers of all stores in a time: their number, mean and spread by store, for the group.
CREATE FUNCTION survey_results_of_stores(answered_from timestamptz, answered_until timestamptz)
    RETURNS TABLE (store text, answers bigint, mean float8, deviation float8)
    LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = crm, pg_temp
AS $$
BEGIN
    IF stores_in_scope() IS DISTINCT FROM ARRAY['_group'] THEN
        RAISE insufficient_privilege USING MESSAGE = 'the group is not in scope';
    END IF;
    RETURN QUERY
    SELECT s.store_id, count(*), avg(s.csi), stddev_samp(s.csi)
    FROM survey AS s
    WHERE s.answered_at >= answered_from AND s.answered_at < answered_until
    GROUP BY s.store_id;
END
$$;
CREATE INDEX survey_answered_in_group ON survey USING brin (answered_at);

-- Grants and policies.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['visit_staff', 'asked_version', 'survey'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY own_stores ON %I TO crm '
                       'USING (store_id = ANY ((SELECT stores_in_scope())::text[]))', name);
        EXECUTE format('GRANT SELECT, INSERT ON %I TO crm', name);
    END LOOP;
END
$$;
GRANT UPDATE ON survey TO crm;
CREATE POLICY group_history ON survey FOR SELECT TO crm_owner USING (true);
REVOKE ALL ON FUNCTION is_asked_in_group, survey_results_of_stores FROM PUBLIC;
GRANT EXECUTE ON FUNCTION is_asked_in_group, survey_results_of_stores TO crm;
