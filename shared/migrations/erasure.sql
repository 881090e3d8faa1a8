-- Erasure of personal data (个人信息删除), the same in every service that keeps some.

-- The key of a subject that is erased is destroyed; its row stays, so that nothing is encrypted for
-- the subject again.
ALTER TABLE subject_key ALTER COLUMN wrapped_key DROP NOT NULL;

-- Keys of what a legal term keeps although its subject is erased (依法留存): nobody reads it but who
-- answers for it, until kept_until, when the key is destroyed.
CREATE TABLE retained_key (
    store_id        text        NOT NULL,
    data_subject_id text        NOT NULL,
    retention_class text        NOT NULL,
    wrapped_key     bytea       NOT NULL,
    kept_until      timestamptz NOT NULL,
    PRIMARY KEY (store_id, data_subject_id)
);

-- Every read of what a legal term keeps.
CREATE TABLE retained_read (
    store_id        text        NOT NULL,
    data_subject_id text        NOT NULL,
    read_at         timestamptz NOT NULL,
    read_by         text        NOT NULL,
    entry           bigint      GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (store_id, data_subject_id, entry)
);

-- Timelines of PostgreSQL's log on which all erasures were applied: one that was restored is another.
CREATE TABLE erasure_replay (
    timeline    integer     PRIMARY KEY,
    replayed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

DO $$
DECLARE
    app  text := current_schema();
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['retained_key', 'retained_read'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY own_stores ON %I TO %I '
                       'USING (store_id = ANY ((SELECT stores_in_scope())::text[]))', name, app);
        EXECUTE format('GRANT SELECT, INSERT ON %I TO %I', name, app);
    END LOOP;
    EXECUTE format('GRANT DELETE ON retained_key TO %I', app);
    EXECUTE format('GRANT SELECT, INSERT ON erasure_replay TO %I', app || '_worker');
    EXECUTE format('GRANT UPDATE (wrapped_key) ON subject_key TO %I', app);
END
$$;
