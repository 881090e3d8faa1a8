-- Follow-ups (回访), every call that a store makes to a customer, and the agents of customers.

-- Calls to customers; about is the id of what a call concerns. priority is the place of the reason
-- in the store's rules, 1 matters most. attempts counts those that did not reach the customer.
CREATE TABLE follow_up (
    store_id     text        NOT NULL,
    follow_up_id text        NOT NULL,
    reason       text        NOT NULL,
    about        text        NOT NULL,
    customer_ref text        NOT NULL,
    order_id     text,
    vehicle_ref  text,
    agent_id     text        NOT NULL,
    priority     smallint    NOT NULL,
    due_at       timestamptz NOT NULL,
    attempts     smallint    NOT NULL DEFAULT 0,
    completed_at timestamptz,
    completed_by text,
    reached      boolean,
    satisfaction smallint    CHECK (satisfaction BETWEEN 1 AND 5),
    channel      text        CHECK (channel IN ('phone', 'email', 'sms')),
    cancelled_at timestamptz,
    cancel_cause text        CHECK (cancel_cause IN ('crowded', 'refused', 'settled')),
    needs        text[]      NOT NULL DEFAULT '{}',
    record       bytea,
    PRIMARY KEY (store_id, follow_up_id),
    CHECK (completed_at IS NULL OR cancelled_at IS NULL)
);
-- A customer is called once for a reason and what it is about; also all calls of a customer.
CREATE UNIQUE INDEX follow_up_once ON follow_up (store_id, customer_ref, reason, about);
-- Work lists (回访任务) of a store and of an agent: what matters most first.
CREATE INDEX follow_up_work ON follow_up (store_id, priority, due_at, follow_up_id)
    WHERE completed_at IS NULL AND cancelled_at IS NULL;
CREATE INDEX follow_up_work_of_agent ON follow_up
    (store_id, agent_id, priority, due_at, follow_up_id)
    WHERE completed_at IS NULL AND cancelled_at IS NULL;
-- Calls by when they are due.
CREATE INDEX follow_up_open ON follow_up (store_id, due_at)
    WHERE completed_at IS NULL AND cancelled_at IS NULL;
CREATE INDEX follow_up_completed ON follow_up (store_id, completed_at)
    WHERE completed_at IS NOT NULL;
CREATE INDEX follow_up_cancelled ON follow_up (store_id, cancelled_at)
    WHERE cancelled_at IS NOT NULL;
-- What is settled ends the calls about it.
CREATE INDEX follow_up_about ON follow_up (store_id, about)
    WHERE completed_at IS NULL AND cancelled_at IS NULL;

-- Customers and their agents (客户分配); a customer without agent_id waits for one.
CREATE TABLE customer_assignment (
    store_id             text        NOT NULL,
    customer_ref         text        NOT NULL,
    requested_at         timestamptz NOT NULL,
    agent_id             text,
    assigned_at          timestamptz,
    assigned_by          text,
    cause                text,
    first_contact_due_at timestamptz,
    first_contacted_at   timestamptz,
    PRIMARY KEY (store_id, customer_ref)
);
CREATE INDEX customer_assignment_waiting ON customer_assignment (store_id, requested_at)
    WHERE agent_id IS NULL;
-- An agent's customers, and the number of them by which agents are balanced.
CREATE INDEX customer_assignment_agent ON customer_assignment (store_id, agent_id, customer_ref);

-- The nightly rules look at the last visits of a time.
CREATE INDEX service_visit_delivered_in_store ON service_visit (store_id, delivered_at, order_id)
    WHERE delivered_at IS NOT NULL;

-- Calls by the month in which they were due, for the summary report.
CREATE INDEX follow_up_due ON follow_up (store_id, due_at);

-- Summary reports (回访总结报告) as they were filed, by store and month (YYYY-MM).
CREATE TABLE follow_up_report (
    store_id text        NOT NULL,
    month    text        NOT NULL,
    content  jsonb       NOT NULL,
    filed_by text        NOT NULL,
    filed_at timestamptz NOT NULL,
    PRIMARY KEY (store_id, month)
);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['follow_up', 'customer_assignment', 'follow_up_report'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY own_stores ON %I TO crm '
                       'USING (store_id = ANY ((SELECT stores_in_scope())::text[]))', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE ON %I TO crm', name);
    END LOOP;
END
$$;
