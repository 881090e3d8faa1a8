-- Plans, capacity holds, jobs and the bookings of technicians and bays.

-- One row a store: whoever changes the plan locks it and raises the version.
CREATE TABLE plan (
    store_id text        NOT NULL PRIMARY KEY,
    version  bigint      NOT NULL DEFAULT 0
);

CREATE TABLE capacity_hold (
    store_id    text        NOT NULL,
    hold_id     text        NOT NULL,
    status      text        NOT NULL CHECK (status IN ('held', 'confirmed', 'released')),
    expires_at  timestamptz NOT NULL,
    promised_at timestamptz NOT NULL,
    confidence  real        NOT NULL,
    jobs        jsonb       NOT NULL,
    PRIMARY KEY (store_id, hold_id)
);

CREATE TABLE job (
    store_id          text             NOT NULL,
    job_id            text             NOT NULL,
    order_id          text             NOT NULL,
    line_number       integer          NOT NULL,
    op_code           text             NOT NULL,
    standard_hours    double precision NOT NULL,
    status            text             NOT NULL,
    technician_ids    jsonb            NOT NULL DEFAULT '[]',
    bay_id            text,
    planned_start_at  timestamptz,
    planned_finish_at timestamptz,
    promised_at       timestamptz      NOT NULL,
    waiting_customer  boolean          NOT NULL DEFAULT false,
    pinned            boolean          NOT NULL DEFAULT false,
    started_at        timestamptz,
    resumed_at        timestamptz,
    clocked_s         integer          NOT NULL DEFAULT 0,
    finished_at       timestamptz,
    rework_of         text,
    opened_at         timestamptz      NOT NULL,
    PRIMARY KEY (store_id, job_id)
);
CREATE INDEX job_of_order ON job (store_id, order_id);
-- The plan is made of what is not yet finished.
CREATE INDEX job_open ON job (store_id) WHERE status IN ('planned', 'in_progress', 'paused');

-- Nobody and no bay is booked twice: the database refuses it.
CREATE TABLE resource_booking (
    store_id text      NOT NULL,
    job_id   text      NOT NULL,
    hold_id  text,
    resource text      NOT NULL,
    during   tstzrange NOT NULL CHECK (NOT isempty(during)),
    PRIMARY KEY (store_id, job_id, resource),
    EXCLUDE USING gist (store_id WITH =, resource WITH =, during WITH &&)
);

CREATE TABLE absence (
    store_id      text        NOT NULL,
    technician_id text        NOT NULL,
    starts_at     timestamptz NOT NULL,
    ends_at       timestamptz NOT NULL CHECK (ends_at > starts_at),
    kind          text        NOT NULL,
    PRIMARY KEY (store_id, technician_id, starts_at)
);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['plan', 'capacity_hold', 'job', 'resource_booking', 'absence'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY own_stores ON %I TO workshop '
                       'USING (store_id = ANY ((SELECT stores_in_scope())::text[]))', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE ON %I TO workshop', name);
    END LOOP;
END
$$;
GRANT DELETE ON resource_booking TO workshop;
