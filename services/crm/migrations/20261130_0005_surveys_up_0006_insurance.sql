-- Insurance policies (保单), the renewal of each (续保), and insurers' quotes.

-- Policies. end_day: the day of the month on which it ends wherever the month has one. remind_on:
-- the day on which the renewal is raised next, or closed; absent once it has a result. The number
-- of the policy is encrypted under the customer's key. from_store_id, to_store_id: the store that
-- handed the renewal over, or took it. contact: name and telephone of a customer whose renewal was
-- handed over with their consent, encrypted under a key of this store.
CREATE TABLE insurance_policy (
    store_id         text        NOT NULL,
    policy_id        text        NOT NULL,
    customer_ref     text        NOT NULL,
    vehicle_ref      text        NOT NULL,
    insurer          text        NOT NULL,
    kinds            text[]      NOT NULL,
    begins_on        date        NOT NULL,
    ends_on          date        NOT NULL,
    end_day          smallint    NOT NULL CHECK (end_day BETWEEN 1 AND 31),
    premium_cents    bigint      NOT NULL,
    sold_here        boolean     NOT NULL,
    channel          text        NOT NULL,
    is_renewal       boolean     NOT NULL,
    renews_policy_id text,
    from_store_id    text,
    recorded_by      text        NOT NULL,
    recorded_at      timestamptz NOT NULL,
    remind_on        date,
    reminded_days    smallint,
    result           text        CHECK (result IN ('won', 'lost', 'insured_elsewhere',
                                                   'handed_over')),
    result_at        timestamptz,
    result_by        text,
    loss_cause       text,
    other_insurer    text,
    new_policy_id    text,
    to_store_id      text,
    policy_number    bytea,
    contact          bytea,
    PRIMARY KEY (store_id, policy_id),
    CHECK (begins_on <= ends_on)
);
-- The due list, and policies by when they end.
CREATE INDEX insurance_policy_open ON insurance_policy (store_id, ends_on, policy_id)
    WHERE result IS NULL;
CREATE INDEX insurance_policy_closed ON insurance_policy (store_id, ends_on, policy_id)
    WHERE result IS NOT NULL;
-- What the nightly run raises or closes.
CREATE INDEX insurance_policy_remind ON insurance_policy (store_id, remind_on)
    WHERE remind_on IS NOT NULL;
-- The policies of a vehicle, and of a customer.
CREATE INDEX insurance_policy_vehicle ON insurance_policy (store_id, vehicle_ref);
CREATE INDEX insurance_policy_customer ON insurance_policy (store_id, customer_ref);

-- Quotes of insurers for the renewal of a policy.
CREATE TABLE insurance_quote (
    store_id      text        NOT NULL,
    quote_id      text        NOT NULL,
    policy_id     text        NOT NULL,
    insurer       text        NOT NULL,
    kinds         text[]      NOT NULL,
    premium_cents bigint      NOT NULL,
    valid_until   date        NOT NULL,
    recorded_by   text        NOT NULL,
    recorded_at   timestamptz NOT NULL,
    PRIMARY KEY (store_id, quote_id),
    FOREIGN KEY (store_id, policy_id) REFERENCES insurance_policy
);
CREATE INDEX insurance_quote_policy ON insurance_quote (store_id, policy_id);

-- Grants and policies.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['insurance_policy', 'insurance_quote'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY own_stores ON %I TO crm '
                       'USING (store_id = ANY ((SELECT stores_in_scope())::text[]))', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE ON %I TO crm', name);
    END LOOP;
END
$$;
