-- Decisions of managers: records with all their changes. store_id is _group for the group's.

-- One row a record (主数据) of a collection: whoever changes it locks it and raises the version,
-- which is the revision of the last change. No two stores have records with the same id.
-- republished counts the states that were announced again: the last one's sequence is that count
-- and the version together.
CREATE TABLE record (
    collection text    NOT NULL,
    record_id  text    NOT NULL COLLATE "C",
    store_id   text    NOT NULL,
    code       text    NOT NULL,
    version    integer NOT NULL DEFAULT 0,
    changed_by text,
    changed_at timestamptz,
    republished integer NOT NULL DEFAULT 0,
    PRIMARY KEY (collection, record_id)
);
-- A store's bays and staff are found among those of all stores.
CREATE INDEX record_of_store ON record (collection, store_id);

-- The changes of a record in their order; none is ever altered. Without content, nothing holds
-- from valid_from on. of_revision: the change whose content was put back. reason is encrypted.
CREATE TABLE record_change (
    collection  text        NOT NULL,
    record_id   text        NOT NULL COLLATE "C",
    store_id    text        NOT NULL,
    revision    integer     NOT NULL,
    action      text        NOT NULL CHECK (action IN ('defined', 'ended', 'withdrawn', 'put_back')),
    valid_from  date        NOT NULL,
    content     jsonb,
    of_revision integer,
    changed_by  text        NOT NULL,
    changed_at  timestamptz NOT NULL,
    reason      bytea       NOT NULL,
    PRIMARY KEY (collection, record_id, revision),
    FOREIGN KEY (collection, record_id) REFERENCES record
);

-- Grants and policies.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['record', 'record_change'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY own_stores ON %I TO management '
                       'USING (store_id = ANY ((SELECT stores_in_scope())::text[]))', name);
        EXECUTE format('GRANT SELECT, INSERT ON %I TO management', name);
    END LOOP;
END
$$;
GRANT UPDATE ON record TO management;
-- A row that was added to be locked, and then not defined, goes again; no other is ever deleted.
GRANT DELETE ON record TO management;
CREATE POLICY never_defined ON record AS RESTRICTIVE FOR DELETE TO management USING (version = 0);
-- Whoever has a post in the group reads the records of all stores.
CREATE POLICY group_wide ON record FOR SELECT TO management
    USING ('*' = ANY ((SELECT stores_in_scope())::text[]));
CREATE POLICY group_wide ON record_change FOR SELECT TO management
    USING ('*' = ANY ((SELECT stores_in_scope())::text[]));
-- A person's posts say what they may do: each caller finds their own record.
CREATE POLICY own_record ON record_change FOR SELECT TO management
    USING (collection = 'staff' AND record_id = (SELECT current_setting('app.caller', true)));
