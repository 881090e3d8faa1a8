-- Complaints (投诉) with their timeline and tasks, inquiries (咨询), and public voice (媒体公关). What
-- people wrote is encrypted under the customer's subject key, without a customer under the record's
-- own.

-- due_at: when the next step is due, the first answer or the solution. escalates_at: when the
-- complaint goes up without it. cause_reported_at: when its cause was told to be a repeated one.
CREATE TABLE complaint (
    store_id                 text        NOT NULL,
    complaint_id             text        NOT NULL,
    customer_ref             text        NOT NULL,
    source                   text        NOT NULL,
    severity                 text        NOT NULL
                             CHECK (severity IN ('minor', 'major', 'critical')),
    vehicle_ref              text,
    order_id                 text,
    technician_id            text,
    inspector_id             text,
    part_number              text,
    owner_id                 text        NOT NULL,
    opened_by                text        NOT NULL,
    opened_at                timestamptz NOT NULL,
    answer_due_at            timestamptz NOT NULL,
    solution_due_at          timestamptz NOT NULL,
    due_at                   timestamptz NOT NULL,
    escalates_at             timestamptz,
    escalated_to             text,
    escalated_at             timestamptz,
    answered_at              timestamptz,
    answered_by              text,
    cause                    text,
    compensation_cents       bigint      NOT NULL DEFAULT 0 CHECK (compensation_cents >= 0),
    compensation_proposed_by text,
    compensation_approved_by text,
    resolved_at              timestamptz,
    resolved_by              text,
    resolutions              integer     NOT NULL DEFAULT 0,
    revisited_at             timestamptz,
    reopened_at              timestamptz,
    closed_at                timestamptz CHECK (closed_at IS NULL OR resolved_at IS NOT NULL),
    closed_by                text,
    cause_reported_at        timestamptz,
    version                  integer     NOT NULL,
    changed_by               text,
    changed_at               timestamptz,
    PRIMARY KEY (store_id, complaint_id)
);
-- The list of the store, the most urgent first, and those of a customer or an order.
CREATE INDEX complaint_due ON complaint (store_id, due_at, complaint_id);
CREATE INDEX complaint_customer ON complaint (store_id, customer_ref, opened_at);
CREATE INDEX complaint_order ON complaint (store_id, order_id) WHERE order_id IS NOT NULL;
-- Complaints with the same cause.
CREATE INDEX complaint_cause ON complaint (store_id, cause, opened_at)
    WHERE cause IS NOT NULL AND cause_reported_at IS NULL;
-- The group's page of those that have gone up.
CREATE INDEX complaint_escalated ON complaint (due_at, complaint_id)
    WHERE escalated_to IS NOT NULL AND resolved_at IS NULL;

-- Timeline of a complaint; it is only ever added to.
CREATE TABLE complaint_entry (
    store_id          text        NOT NULL,
    complaint_id      text        NOT NULL,
    entry_id          text        NOT NULL,
    complaint_task_id text,
    kind              text        NOT NULL,
    recorded_by       text,
    recorded_at       timestamptz NOT NULL,
    channel           text,
    reached           boolean,
    satisfied         boolean,
    role              text,
    amount_cents      bigint,
    words             bytea,
    PRIMARY KEY (store_id, entry_id),
    FOREIGN KEY (store_id, complaint_id) REFERENCES complaint
);
CREATE INDEX complaint_entry_complaint ON complaint_entry (store_id, complaint_id, entry_id);

-- Tasks of departments for complaints (协办任务).
CREATE TABLE complaint_task (
    store_id          text        NOT NULL,
    complaint_task_id text        NOT NULL,
    complaint_id      text        NOT NULL,
    customer_ref      text        NOT NULL,
    role              text        NOT NULL,
    assigned_by       text        NOT NULL,
    assigned_at       timestamptz NOT NULL,
    due_at            timestamptz NOT NULL,
    escalated_to      text,
    escalated_at      timestamptz,
    completed_at      timestamptz,
    completed_by      text,
    PRIMARY KEY (store_id, complaint_task_id),
    FOREIGN KEY (store_id, complaint_id) REFERENCES complaint
);
CREATE INDEX complaint_task_complaint ON complaint_task (store_id, complaint_id);
-- What is asked of a department.
CREATE INDEX complaint_task_open ON complaint_task (store_id, due_at) WHERE completed_at IS NULL;

CREATE TABLE inquiry (
    store_id     text        NOT NULL,
    inquiry_id   text        NOT NULL,
    customer_ref text,
    vehicle_ref  text,
    order_id     text,
    subject      text        NOT NULL,
    channel      text        NOT NULL,
    recorded_by  text        NOT NULL,
    recorded_at  timestamptz NOT NULL,
    due_at       timestamptz NOT NULL,
    role         text,
    passed_by    text,
    passed_at    timestamptz,
    answered_at  timestamptz,
    answered_by  text,
    question     bytea       NOT NULL,
    answer       bytea,
    PRIMARY KEY (store_id, inquiry_id)
);
-- Lists of open and answered ones, and what is asked of a department.
CREATE INDEX inquiry_open ON inquiry (store_id, due_at, inquiry_id) WHERE answered_at IS NULL;
CREATE INDEX inquiry_recorded ON inquiry (store_id, recorded_at, inquiry_id);

CREATE TABLE public_post (
    store_id       text        NOT NULL,
    public_post_id text        NOT NULL,
    platform       text        NOT NULL,
    tone           text        NOT NULL,
    posted_on      date        NOT NULL,
    complaint_id   text,
    owner_id       text        NOT NULL,
    logged_by      text        NOT NULL,
    logged_at      timestamptz NOT NULL,
    due_at         timestamptz NOT NULL,
    overdue_at     timestamptz,
    answered_at    timestamptz,
    answered_by    text,
    summary        bytea       NOT NULL,
    link           bytea,
    answer         bytea,
    PRIMARY KEY (store_id, public_post_id),
    FOREIGN KEY (store_id, complaint_id) REFERENCES complaint
);
CREATE INDEX public_post_logged ON public_post (store_id, logged_at, public_post_id);
CREATE INDEX public_post_complaint ON public_post (store_id, complaint_id)
    WHERE complaint_id IS NOT NULL;

-- Grants and policies.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['complaint', 'complaint_entry', 'complaint_task', 'inquiry',
                                'public_post'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY own_stores ON %I TO crm '
                       'USING (store_id = ANY ((SELECT stores_in_scope())::text[]))', name);
        EXECUTE format('GRANT SELECT, INSERT ON %I TO crm', name);
    END LOOP;
END
$$;
GRANT UPDATE ON complaint, complaint_task, inquiry, public_post TO crm;
-- Who has a post in the group reads the complaints of all stores that have gone up, without what
-- people wrote.
CREATE POLICY group_wide ON complaint FOR SELECT TO crm
    USING (escalated_to IS NOT NULL AND '*' = ANY ((SELECT stores_in_scope())::text[]));
