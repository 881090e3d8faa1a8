-- Conversations (客户来信): what customers write by SMS and WeCom, and the answers.

-- One sender and one store on one channel. sender_ref is the keyed hash of the sender's address and
-- sender the address itself, encrypted like the words, under the key of customer_ref, or of
-- conversation_id while the sender is not known.
CREATE TABLE conversation (
    store_id        text        NOT NULL,
    conversation_id text        NOT NULL,
    channel         text        NOT NULL CHECK (channel IN ('sms', 'wecom')),
    sender_ref      text        NOT NULL,
    sender          bytea       NOT NULL,
    customer_ref    text,
    agent_id        text,
    began_at        timestamptz NOT NULL,
    latest_at       timestamptz NOT NULL,
    latest_id       text        NOT NULL,
    waiting_since   timestamptz,
    answered_at     timestamptz,
    answer_s        integer     CHECK (answer_s >= 0),
    version         integer     NOT NULL,
    changed_by      text,
    changed_at      timestamptz,
    PRIMARY KEY (store_id, conversation_id)
) WITH (fillfactor = 70);
-- The conversation of a sender, and those of a customer.
CREATE INDEX conversation_sender ON conversation (store_id, channel, sender_ref);
CREATE INDEX conversation_customer ON conversation (store_id, customer_ref)
    WHERE customer_ref IS NOT NULL;
-- The work list: what waits, the longest first, and what was answered, the latest first.
CREATE INDEX conversation_waiting ON conversation (store_id, waiting_since, conversation_id)
    WHERE waiting_since IS NOT NULL;
CREATE INDEX conversation_answered ON conversation (store_id, latest_at, conversation_id)
    WHERE waiting_since IS NULL;

-- What was written; an answer has the message_id of the message by which it is sent.
CREATE TABLE conversation_message (
    store_id        text        NOT NULL,
    message_id      text        NOT NULL,
    conversation_id text        NOT NULL,
    direction       text        NOT NULL CHECK (direction IN ('received', 'sent')),
    kind            text        NOT NULL CHECK (kind IN ('text', 'attachment', 'opt_out')),
    data_subject    text        NOT NULL,
    words           bytea       NOT NULL,
    written_by      text,
    written_at      timestamptz NOT NULL,
    PRIMARY KEY (store_id, message_id),
    FOREIGN KEY (store_id, conversation_id) REFERENCES conversation
);
CREATE INDEX conversation_message_written
    ON conversation_message (store_id, conversation_id, written_at, message_id);

-- Birthdays (生日), month and day, encrypted; month_day_ref is their keyed hash.
CREATE TABLE birthday (
    store_id      text        NOT NULL,
    customer_ref  text        NOT NULL,
    month_day     bytea       NOT NULL,
    month_day_ref text        NOT NULL,
    set_by        text        NOT NULL,
    set_at        timestamptz NOT NULL,
    PRIMARY KEY (store_id, customer_ref),
    FOREIGN KEY (store_id, customer_ref) REFERENCES customer
);
-- Those whose birthday is today are found each night.
CREATE INDEX birthday_day ON birthday (store_id, month_day_ref);

-- The newest message to a customer over a channel, which an incoming one answers.
CREATE INDEX message_told ON message (store_id, customer_ref, channel, notified_at)
    WHERE notified_at IS NOT NULL;

-- Customers may refuse calls about service, and surveys, apart from marketing.
ALTER TABLE consent DROP CONSTRAINT consent_purpose_check;
ALTER TABLE consent ADD CONSTRAINT consent_purpose_check
    CHECK (purpose IN ('sales_contact', 'marketing', 'service_calls', 'surveys'));

-- Of those who share a name, a number or a vehicle, the first are compared: they are read in their
-- order. No index begins with the kind of a contact point, which would read all of a store's to find
-- those of one customer.
DROP INDEX customer_name;
CREATE INDEX customer_name ON customer (store_id, name_ref, customer_ref);
DROP INDEX contact_point_value;
CREATE INDEX contact_point_value ON contact_point (store_id, value_ref, kind, customer_ref)
    WHERE ended_at IS NULL;
DROP INDEX vehicle_people;
CREATE INDEX vehicle_people ON vehicle_person (store_id, vehicle_ref, customer_ref);

-- Grants and policies.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['conversation', 'conversation_message', 'birthday'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY own_stores ON %I TO crm '
                       'USING (store_id = ANY ((SELECT stores_in_scope())::text[]))', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE ON %I TO crm', name);
    END LOOP;
END
$$;
GRANT DELETE ON birthday TO crm;
