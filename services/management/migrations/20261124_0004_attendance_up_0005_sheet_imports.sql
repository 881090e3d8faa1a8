-- Imports of sheets: checked whole, staged, and applied in portions.

-- One row an uploaded sheet (表格导入). store_id is _group for the group's. reason is encrypted.
CREATE TABLE sheet_import (
    store_id    text        NOT NULL,
    import_id   text        NOT NULL,
    kind        text,
    valid_from  date        NOT NULL,
    reason      bytea,
    staged_by   text        NOT NULL,
    staged_at   timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    status      text        NOT NULL
                CHECK (status IN ('staged', 'applying', 'applied', 'discarded', 'expired')),
    new         integer     NOT NULL,
    changed     integer     NOT NULL,
    unchanged   integer     NOT NULL,
    wrong       integer     NOT NULL,
    error_count integer     NOT NULL,
    warned      integer     NOT NULL,
    defined     integer     NOT NULL,
    refused     integer     NOT NULL,
    applied_by  text,
    applied_at  timestamptz,
    version     integer     NOT NULL,
    changed_by  text,
    changed_at  timestamptz,
    PRIMARY KEY (store_id, import_id)
) WITH (fillfactor = 70);
-- The page lists the last ones.
CREATE INDEX sheet_import_staged ON sheet_import (store_id, staged_at);

-- The rows of a sheet, until it is discarded or expires: what each would do to which version of a
-- record (seen), and once it was applied its result.
CREATE TABLE sheet_row (
    store_id    text        NOT NULL,
    import_id   text        NOT NULL,
    "row"       integer     NOT NULL,
    code        text        NOT NULL,
    for_store   text,
    outcome     text        NOT NULL CHECK (outcome IN ('new', 'changed', 'unchanged', 'wrong')),
    content     jsonb,
    seen        text,
    differences jsonb       NOT NULL,
    warnings    jsonb       NOT NULL,
    errors      jsonb       NOT NULL,
    result      text        CHECK (result IN ('defined', 'unchanged', 'refused')),
    rule        text,
    detail      text,
    first_by    text,
    first_at    timestamptz,
    PRIMARY KEY (store_id, import_id, "row"),
    FOREIGN KEY (store_id, import_id) REFERENCES sheet_import
);
-- The next portion is found at the end of those that were applied.
CREATE INDEX sheet_row_to_apply ON sheet_row (store_id, import_id, "row")
    WHERE result IS NULL AND outcome IN ('new', 'changed');

-- Grants and policies.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['sheet_import', 'sheet_row'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY own_stores ON %I TO management '
                       'USING (store_id = ANY ((SELECT stores_in_scope())::text[]))', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE ON %I TO management', name);
    END LOOP;
END
$$;
GRANT DELETE ON sheet_row TO management;
