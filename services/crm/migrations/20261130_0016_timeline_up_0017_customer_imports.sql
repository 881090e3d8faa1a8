-- Imports of customers (客户导入) from the systems of sales and insurance.

-- One row an uploaded file; of its rows, so many are wrong, and what became of the others.
CREATE TABLE customer_import (
    store_id    text        NOT NULL,
    import_id   text        NOT NULL,
    source      text        NOT NULL CHECK (source IN ('sales', 'insurance', 'other')),
    uploaded_by text        NOT NULL,
    uploaded_at timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    status      text        NOT NULL
        CHECK (status IN ('staged', 'applying', 'applied', 'cancelled', 'expired')),
    rows        integer     NOT NULL,
    wrong       integer     NOT NULL,
    registered  integer     NOT NULL,
    known       integer     NOT NULL,
    undecided   integer     NOT NULL,
    refused     integer     NOT NULL,
    applied_by  text,
    ended_at    timestamptz,
    version     integer     NOT NULL,
    changed_by  text,
    changed_at  timestamptz,
    PRIMARY KEY (store_id, import_id)
) WITH (fillfactor = 70);
-- The page lists the last ones.
CREATE INDEX customer_import_uploaded ON customer_import (store_id, uploaded_at);

-- The rows of a file until they are destroyed; content is encrypted under the import's own key, and
-- absent once the person is erased. phone_ref, vin_ref: keyed hashes of what is right of them.
CREATE TABLE customer_import_row (
    store_id  text    NOT NULL,
    import_id text    NOT NULL,
    "row"     integer NOT NULL,
    state     text    NOT NULL CHECK (state IN (
        'ready', 'wrong', 'registered', 'known', 'undecided', 'refused')),
    content   bytea,
    phone_ref text,
    vin_ref   text,
    errors    jsonb   NOT NULL,
    PRIMARY KEY (store_id, import_id, "row"),
    FOREIGN KEY (store_id, import_id) REFERENCES customer_import
);
-- An erased person's rows.
CREATE INDEX customer_import_row_phone ON customer_import_row (store_id, phone_ref);
CREATE INDEX customer_import_row_vin ON customer_import_row (store_id, vin_ref);
-- The next portion is found at the end of those that were imported.
CREATE INDEX customer_import_row_ready ON customer_import_row (store_id, import_id, "row")
    WHERE state = 'ready';

-- Records that were made lately are looked at for gaps.
CREATE INDEX customer_registered ON customer (store_id, registered_at);

-- Grants and policies.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['customer_import', 'customer_import_row'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY own_stores ON %I TO crm '
                       'USING (store_id = ANY ((SELECT stores_in_scope())::text[]))', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE ON %I TO crm', name);
    END LOOP;
END
$$;
GRANT DELETE ON customer_import_row TO crm;
