-- Policies that the store sold (保单), by which renewal is counted. renews_renewal: the policy before
-- was a renewal too, absent where that is not known.
CREATE TABLE policy_fact (
    store_id       text    NOT NULL,
    policy_id      text    NOT NULL,
    begins_on      date    NOT NULL,
    is_renewal     boolean NOT NULL,
    renews_renewal boolean,
    PRIMARY KEY (store_id, policy_id)
);
CREATE INDEX policy_fact_begins ON policy_fact (store_id, begins_on);

ALTER TABLE policy_fact ENABLE ROW LEVEL SECURITY;
ALTER TABLE policy_fact FORCE ROW LEVEL SECURITY;
CREATE POLICY own_stores ON policy_fact TO reporting
    USING (store_id = ANY ((SELECT stores_in_scope())::text[]));
GRANT SELECT, INSERT, UPDATE ON policy_fact TO reporting;
