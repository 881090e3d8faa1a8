-- Corrective actions (整改): what was found to be wrong, who puts it right by when, what they
-- answered, how it ended, and whether it worked. What people wrote is encrypted.

CREATE TABLE corrective_action (
    store_id             text        NOT NULL,
    corrective_action_id text        NOT NULL,
    source               text        NOT NULL,
    source_id            text        NOT NULL,
    source_event_id      text        NOT NULL,
    order_id             text,
    findings             jsonb       NOT NULL,
    found_by             text,
    follows_id           text,
    owner_id             text        NOT NULL,
    due_at               timestamptz NOT NULL,
    opened_at            timestamptz NOT NULL,
    overdue_at           timestamptz,
    answered_at          timestamptz,
    answered_by          text,
    closed_at            timestamptz,
    closed_by            text,
    result               text        CHECK (result IN ('corrected', 'unfounded')),
    assessed_at          timestamptz,
    assessed_by          text,
    is_effective         boolean,
    cause                bytea,
    measure              bytea,
    note                 bytea,
    comment              bytea,
    version              integer     NOT NULL,
    changed_by           text,
    changed_at           timestamptz,
    PRIMARY KEY (store_id, corrective_action_id),
    FOREIGN KEY (store_id, follows_id) REFERENCES corrective_action
);
-- A finding has one corrective action, and each without effect one that follows it.
CREATE UNIQUE INDEX corrective_action_source ON corrective_action (store_id, source, source_id)
    WHERE follows_id IS NULL;
CREATE UNIQUE INDEX corrective_action_follows ON corrective_action (store_id, follows_id);
-- Owners' lists, and the open counts by which they are balanced.
CREATE INDEX corrective_action_open ON corrective_action (store_id, due_at) WHERE closed_at IS NULL;

-- Grants and policies.
ALTER TABLE corrective_action ENABLE ROW LEVEL SECURITY;
ALTER TABLE corrective_action FORCE ROW LEVEL SECURITY;
CREATE POLICY own_stores ON corrective_action TO management
    USING (store_id = ANY ((SELECT stores_in_scope())::text[]));
GRANT SELECT, INSERT, UPDATE ON corrective_action TO management;
