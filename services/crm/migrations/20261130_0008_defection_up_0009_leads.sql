-- Leads for the sales department (销售线索), and the consents that they need.

-- Whether a customer consents to a purpose (同意), as last said; the events tell the history.
CREATE TABLE consent (
    store_id     text        NOT NULL,
    customer_ref text        NOT NULL,
    purpose      text        NOT NULL CHECK (purpose IN ('sales_contact')),
    is_given     boolean     NOT NULL,
    changed_by   text        NOT NULL,
    changed_at   timestamptz NOT NULL,
    PRIMARY KEY (store_id, customer_ref, purpose)
);

-- Leads from their handover to what came of them. note: what the customer said, encrypted under
-- their key.
CREATE TABLE lead (
    store_id       text        NOT NULL,
    lead_id        text        NOT NULL,
    customer_ref   text        NOT NULL,
    lead_kind      text        NOT NULL CHECK (lead_kind IN ('replacement', 'referral')),
    model_code     text        NOT NULL,
    order_id       text,
    handed_over_by text        NOT NULL,
    handed_over_at timestamptz NOT NULL,
    answer_due_at  timestamptz NOT NULL,
    status         text        NOT NULL
        CHECK (status IN ('open', 'accepted', 'refused', 'sold', 'lost', 'withdrawn')),
    reason         text,
    answered_by    text,
    answered_at    timestamptz,
    reminders      integer     NOT NULL DEFAULT 0,
    note           bytea,
    PRIMARY KEY (store_id, lead_id)
);
-- The lists by status, the most urgent or the last first, and the leads of a customer.
CREATE INDEX lead_status ON lead (store_id, status, answer_due_at, lead_id);
CREATE INDEX lead_customer ON lead (store_id, customer_ref);
-- The numbers of a time.
CREATE INDEX lead_handed_over ON lead (store_id, handed_over_at);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['consent', 'lead'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY own_stores ON %I TO crm '
                       'USING (store_id = ANY ((SELECT stores_in_scope())::text[]))', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE ON %I TO crm', name);
    END LOOP;
END
$$;
