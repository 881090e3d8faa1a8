-- By what persons and vehicles are found (查找): keyed hashes of names, telephone numbers, plates and
-- VINs, of their pinyin and initials, and of their last signs. source_id: the customer, the contact
-- point or the vehicle. Rows are deleted when what they are about ends or changes: they are no facts.
CREATE TABLE search_token (
    store_id  text NOT NULL,
    token     text NOT NULL,
    source    text NOT NULL CHECK (source IN ('name', 'phone', 'plate', 'vin')),
    source_id text NOT NULL,
    PRIMARY KEY (store_id, token, source, source_id)
);
-- All tokens of what has changed.
CREATE INDEX search_token_source ON search_token (store_id, source_id, source);

ALTER TABLE search_token ENABLE ROW LEVEL SECURITY;
ALTER TABLE search_token FORCE ROW LEVEL SECURITY;
CREATE POLICY own_stores ON search_token TO crm
    USING (store_id = ANY ((SELECT stores_in_scope())::text[]));
GRANT SELECT, INSERT, DELETE ON search_token TO crm;

-- Customers who were registered before there were tokens are made findable in batches, by a timer of
-- each store.
ALTER TABLE timer NO FORCE ROW LEVEL SECURITY;
ALTER TABLE customer NO FORCE ROW LEVEL SECURITY;
INSERT INTO timer (timer_id, store_id, kind, entity_id, due_at, data)
SELECT gen_random_uuid(), store_id, 'make_findable', store_id, '2000-01-01Z',
       '{"correlation_id": "search"}'
FROM (SELECT DISTINCT store_id FROM customer) AS known;
ALTER TABLE customer FORCE ROW LEVEL SECURITY;
ALTER TABLE timer FORCE ROW LEVEL SECURITY;
