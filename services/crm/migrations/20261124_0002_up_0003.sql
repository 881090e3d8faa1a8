-- Messages to customers (客户通知). Addresses stand with the customer, encrypted, and nowhere else.

ALTER TABLE customer
    ADD COLUMN email             bytea,
    ADD COLUMN wecom_id          bytea,
    ADD COLUMN language          text   NOT NULL DEFAULT 'zh' CHECK (language IN ('zh', 'en')),
    ADD COLUMN preferred_channel text   CHECK (preferred_channel IN ('wecom', 'sms', 'email')),
    ADD COLUMN declined_channels text[] NOT NULL DEFAULT '{}';

-- A delivery becomes the last part of a service_visit, which is known from its first event on.
ALTER TABLE delivery RENAME TO service_visit;
ALTER INDEX delivery_customer RENAME TO service_visit_customer;
ALTER TABLE service_visit
    ALTER COLUMN delivered_at DROP NOT NULL,
    ADD COLUMN waiting  boolean     NOT NULL DEFAULT false,
    ADD COLUMN ready_at timestamptz,
    ADD COLUMN ended_at timestamptz;
UPDATE service_visit SET ended_at = delivered_at;

-- link is the one secret in a message; it is encrypted under the customer's data subject key.
-- claimed_until, in real time, keeps other processes off while an attempt is under way.
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
    state              text        NOT NULL CHECK (state IN ('waiting', 'sending', 'sent', 'call_required',
                                                        'called', 'not_reached', 'suppressed')),
    channel            text        CHECK (channel IN ('wecom', 'sms', 'email')),
    tries              smallint    NOT NULL,
    retry_at           timestamptz,
    exhausted_channels text[]      NOT NULL,
    uncertain          boolean     NOT NULL,
    reason             text,
    agent_id           text,
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

ALTER TABLE message ENABLE ROW LEVEL SECURITY;
ALTER TABLE message FORCE ROW LEVEL SECURITY;
CREATE POLICY own_stores ON message TO crm
    USING (store_id = ANY ((SELECT stores_in_scope())::text[]));
GRANT SELECT, INSERT, UPDATE ON message TO crm;
