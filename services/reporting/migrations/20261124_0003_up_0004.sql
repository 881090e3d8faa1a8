-- Appointments that were moved or missed, and the visits that came of them.
ALTER TABLE appointment_fact
    ADD COLUMN planned_sequence bigint,
    ADD COLUMN no_show_at        timestamptz;

-- Corrective actions: opened here, and folded from their events when those are replayed. What the
-- owner wrote is encrypted.
CREATE TABLE corrective_action (
    store_id             text        NOT NULL,
    corrective_action_id text        NOT NULL,
    source               text        NOT NULL,
    source_id            text        NOT NULL,
    order_id             text,
    findings             jsonb       NOT NULL,
    owner_id             text        NOT NULL,
    due_at               timestamptz NOT NULL,
    opened_at            timestamptz NOT NULL,
    overdue_at           timestamptz,
    closed_at            timestamptz,
    closed_by            text,
    result               text        CHECK (result IN ('corrected', 'unfounded')),
    note                 bytea,
    PRIMARY KEY (store_id, corrective_action_id),
    UNIQUE (store_id, source, source_id)
);
-- Owners' lists, and the open counts by which they are balanced.
CREATE INDEX corrective_action_open ON corrective_action (store_id, due_at) WHERE closed_at IS NULL;

-- What customers thought, and areas that nobody has looked at in time.
CREATE TABLE feedback_fact (
    store_id         text        NOT NULL,
    order_id         text        NOT NULL,
    submitted_at     timestamptz NOT NULL,
    work_quality     smallint    NOT NULL,
    technical_skill  smallint    NOT NULL,
    service_attitude smallint    NOT NULL,
    PRIMARY KEY (store_id, order_id)
);
CREATE INDEX feedback_fact_given ON feedback_fact (store_id, submitted_at);

CREATE TABLE missing_check_fact (
    store_id text        NOT NULL,
    area     text        NOT NULL,
    day      date        NOT NULL,
    due_at   timestamptz NOT NULL,
    PRIMARY KEY (store_id, area, day)
);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['corrective_action', 'feedback_fact', 'missing_check_fact'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY own_stores ON %I TO reporting '
                       'USING (store_id = ANY ((SELECT stores_in_scope())::text[]))', name);
        EXECUTE format('GRANT SELECT, INSERT ON %I TO reporting', name);
    END LOOP;
    GRANT UPDATE ON corrective_action TO reporting;
END
$$;
