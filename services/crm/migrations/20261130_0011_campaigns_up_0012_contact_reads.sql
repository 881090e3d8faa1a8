-- Who has read the name and contact points of a customer (查阅记录). Of a page that is looked at again
-- and again, one row an hour is kept for each reader.
CREATE TABLE contact_read (
    store_id     text        NOT NULL,
    customer_ref text        NOT NULL,
    read_at      timestamptz NOT NULL,
    read_by      text        NOT NULL,
    operation    text        NOT NULL,
    PRIMARY KEY (store_id, customer_ref, read_at, read_by, operation)
);

ALTER TABLE contact_read ENABLE ROW LEVEL SECURITY;
ALTER TABLE contact_read FORCE ROW LEVEL SECURITY;
CREATE POLICY own_stores ON contact_read TO crm
    USING (store_id = ANY ((SELECT stores_in_scope())::text[]));
GRANT SELECT, INSERT ON contact_read TO crm;
