-- Erased persons (个人信息删除), and what a legal term keeps of them (依法留存).

-- erased_at: from then on nobody finds the customer, and nothing is sent, planned or added.
ALTER TABLE customer ADD COLUMN erased_at timestamptz;

-- A call to an erased person is cancelled.
ALTER TABLE follow_up DROP CONSTRAINT follow_up_cancel_cause_check;
ALTER TABLE follow_up ADD CONSTRAINT follow_up_cancel_cause_check
    CHECK (cancel_cause IN ('crowded', 'refused', 'settled', 'erased'));

-- That and why a customer was erased; nothing about the person.
CREATE TABLE erasure (
    store_id     text        NOT NULL,
    customer_ref text        NOT NULL,
    reason       text        NOT NULL,
    erased_by    text        NOT NULL,
    erased_at    timestamptz NOT NULL,
    PRIMARY KEY (store_id, customer_ref)
);
CREATE INDEX erasure_listed ON erasure (store_id, erased_at, customer_ref);

-- Who was invoiced: name, vehicles and orders of an erased customer, encrypted under a key of their
-- own, until kept_until.
CREATE TABLE blocked_record (
    store_id     text        NOT NULL,
    customer_ref text        NOT NULL,
    content      bytea       NOT NULL,
    kept_until   timestamptz NOT NULL,
    PRIMARY KEY (store_id, customer_ref)
);

-- Grants and policies.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['erasure', 'blocked_record'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY own_stores ON %I TO crm '
                       'USING (store_id = ANY ((SELECT stores_in_scope())::text[]))', name);
        EXECUTE format('GRANT SELECT, INSERT ON %I TO crm', name);
    END LOOP;
END
$$;
GRANT DELETE ON blocked_record, customer_review, customer_assignment TO crm;
