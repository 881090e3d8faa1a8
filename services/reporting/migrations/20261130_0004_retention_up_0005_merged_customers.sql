-- As whom customers are read (客户合并), each from when: themselves again where read_as is absent.
CREATE TABLE alias_fact (
    store_id     text        NOT NULL,
    customer_ref text        NOT NULL,
    changed_at   timestamptz NOT NULL,
    read_as      text,
    PRIMARY KEY (store_id, customer_ref, changed_at)
);

ALTER TABLE alias_fact ENABLE ROW LEVEL SECURITY;
ALTER TABLE alias_fact FORCE ROW LEVEL SECURITY;
CREATE POLICY own_stores ON alias_fact TO reporting
    USING (store_id = ANY ((SELECT stores_in_scope())::text[]));
GRANT SELECT, INSERT, UPDATE ON alias_fact TO reporting;
