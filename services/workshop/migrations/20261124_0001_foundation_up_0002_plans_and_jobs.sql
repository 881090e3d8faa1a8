-- Plans, jobs, capacity and promises, and what the workshop learns from them.

-- One row a store: whoever changes the plan locks it and raises the version.
CREATE TABLE plan (
    store_id text   NOT NULL PRIMARY KEY,
    version  bigint NOT NULL DEFAULT 0
);

-- What the workshop needs to know of a repair order. late_min: minutes past the promise at which
-- the vehicle was ready to be handed over.
CREATE TABLE repair_order (
    store_id     text        NOT NULL,
    order_id     text        NOT NULL,
    queue_number integer,
    vehicle_ref  text,
    symptoms     jsonb       NOT NULL DEFAULT '[]',
    opened_at    timestamptz,
    comeback_of  text,
    ready_at     timestamptz,
    late_min     integer,
    delivered_at timestamptz,
    PRIMARY KEY (store_id, order_id)
);
-- Comebacks are looked for among the vehicle's own orders.
CREATE INDEX repair_order_of_vehicle ON repair_order (store_id, vehicle_ref);
-- Lateness is averaged over the orders of a span of days.
CREATE INDEX repair_order_ready ON repair_order (store_id, ready_at);

-- Jobs: what was ordered, where it stands in the plan and why, and how it went. version is raised
-- each time the job is saved; changed_by and changed_at say who made the present one. clockings:
-- what each technician has clocked, and since when they are clocked in.
CREATE TABLE job (
    store_id              text             NOT NULL,
    job_id                text             NOT NULL,
    order_id              text             NOT NULL,
    line_number           integer          NOT NULL,
    op_code               text             NOT NULL,
    standard_hours        double precision NOT NULL,
    opened_at             timestamptz      NOT NULL,
    promised_at           timestamptz      NOT NULL,
    waiting_customer      boolean          NOT NULL DEFAULT false,
    comeback_of           text,
    rework_of             text,
    rework_for            jsonb            NOT NULL DEFAULT '[]',
    parts_eta             timestamptz,
    parts_reason          text,
    status                text             NOT NULL,
    technician_ids        jsonb            NOT NULL DEFAULT '[]',
    bay_id                text,
    planned_start_at      timestamptz,
    planned_finish_at     timestamptz,
    planned_by            text,
    reason                jsonb,
    pinned                boolean          NOT NULL DEFAULT false,
    rush                  boolean          NOT NULL DEFAULT false,
    forbidden_technicians jsonb            NOT NULL DEFAULT '[]',
    started_at            timestamptz,
    resumed_at            timestamptz,
    clocked_s             integer          NOT NULL DEFAULT 0,
    clockings             jsonb            NOT NULL DEFAULT '[]',
    missed_punches        integer          NOT NULL DEFAULT 0,
    finished_at           timestamptz,
    diagnosis             jsonb            NOT NULL DEFAULT '[]',
    version               integer          NOT NULL DEFAULT 1,
    changed_by            text,
    changed_at            timestamptz,
    PRIMARY KEY (store_id, job_id)
);
CREATE INDEX job_of_order ON job (store_id, order_id);
-- Boards and lists show what is not yet inspected, the plan what is not yet finished.
CREATE INDEX job_current ON job (store_id)
    WHERE status IN ('planned', 'in_progress', 'paused', 'finished');
-- The plan of a day shows the jobs that end in it or later.
CREATE INDEX job_ending ON job (store_id, (coalesce(finished_at, planned_finish_at)));
-- Durations are learned from the latest finished jobs.
CREATE INDEX job_finished ON job (store_id, finished_at) WHERE finished_at IS NOT NULL;
-- Jobs are counted by when they were ordered.
CREATE INDEX job_ordered ON job (store_id, opened_at);

-- Clocks that a manager put right (工时更正): who, why, and what they said before.
CREATE TABLE time_correction (
    store_id             text        NOT NULL,
    correction_id        text        NOT NULL,
    job_id               text        NOT NULL,
    order_id             text        NOT NULL,
    reason               text        NOT NULL
        CHECK (reason IN ('forgot_to_start', 'forgot_to_finish', 'wrong_job', 'other')),
    corrected_by         text        NOT NULL,
    corrected_at         timestamptz NOT NULL,
    original_started_at  timestamptz NOT NULL,
    original_finished_at timestamptz,
    original_clocked_s   bigint      NOT NULL,
    started_at           timestamptz NOT NULL,
    finished_at          timestamptz,
    clocked_s            bigint      NOT NULL CHECK (clocked_s >= 0),
    PRIMARY KEY (store_id, correction_id),
    CHECK (finished_at > started_at)
);
-- They are shown with their job.
CREATE INDEX time_correction_of_job ON time_correction (store_id, job_id);

-- Manual overrides. late_*_min: minutes past the promise that the plan expected for the order.
CREATE TABLE override (
    store_id        text        NOT NULL,
    override_id     text        NOT NULL,
    job_id          text        NOT NULL,
    order_id        text        NOT NULL,
    kind            text        NOT NULL,
    reason          text        NOT NULL,
    technician_id   text,
    note            bytea,
    made_by         text        NOT NULL,
    made_at         timestamptz NOT NULL,
    late_before_min integer     NOT NULL,
    late_after_min  integer     NOT NULL,
    PRIMARY KEY (store_id, override_id)
);
-- Overrides are read by the day.
CREATE INDEX override_of_day ON override (store_id, made_at);
-- Jobs and orders are split by whether they were overridden.
CREATE INDEX override_of_job ON override (store_id, order_id, job_id);

-- What an inspector found, item by item.
CREATE TABLE inspection (
    store_id     text        NOT NULL,
    job_id       text        NOT NULL,
    inspector_id text        NOT NULL,
    inspected_at timestamptz NOT NULL,
    passed       boolean     NOT NULL,
    results      jsonb       NOT NULL,
    PRIMARY KEY (store_id, job_id)
);

-- Work that was found and waits for the customer's decision.
CREATE TABLE additional_work (
    store_id           text        NOT NULL,
    additional_work_id text        NOT NULL,
    job_id             text        NOT NULL,
    order_id           text        NOT NULL,
    op_codes           jsonb       NOT NULL,
    part_numbers       jsonb       NOT NULL,
    note               bytea,
    recommended_by     text        NOT NULL,
    recommended_at     timestamptz NOT NULL,
    decision           text        CHECK (decision IN ('authorized', 'declined')),
    PRIMARY KEY (store_id, additional_work_id)
);
-- What was found is shown with its order.
CREATE INDEX additional_work_of_order ON additional_work (store_id, order_id);

-- Bookings of technicians and bays. None is booked twice: the database refuses it.
CREATE TABLE resource_booking (
    store_id text      NOT NULL,
    job_id   text      NOT NULL,
    hold_id  text,
    resource text      NOT NULL,
    during   tstzrange NOT NULL CHECK (NOT isempty(during)),
    PRIMARY KEY (store_id, job_id, resource),
    EXCLUDE USING gist (store_id WITH =, resource WITH =, during WITH &&)
);

-- Absences of technicians, which can be taken back.
CREATE TABLE absence (
    store_id      text        NOT NULL,
    absence_id    text        NOT NULL,
    technician_id text        NOT NULL,
    starts_at     timestamptz NOT NULL,
    ends_at       timestamptz NOT NULL CHECK (ends_at > starts_at),
    kind          text        NOT NULL,
    cancelled_at  timestamptz,
    PRIMARY KEY (store_id, absence_id)
);
-- The absences of one technician are looked through before another is added.
CREATE INDEX absence_of_technician ON absence (store_id, technician_id, ends_at);

-- Capacity reserved for work that was quoted. expected_at and spread_minutes, in working time, are
-- the basis of the promise; calibrated_at is the end of the work that holds with just the
-- confidence: what the calibration hears about. order_id: whose vehicle a hold for additional work
-- is for; what is reserved is simulated and planned around.
CREATE TABLE capacity_hold (
    store_id       text             NOT NULL,
    hold_id        text             NOT NULL,
    order_id       text,
    status         text             NOT NULL CHECK (status IN ('held', 'confirmed', 'released')),
    expires_at     timestamptz      NOT NULL,
    jobs           jsonb            NOT NULL,
    promised_at    timestamptz      NOT NULL,
    confidence     real             NOT NULL,
    expected_at    timestamptz      NOT NULL,
    spread_minutes double precision NOT NULL,
    calibrated_at  timestamptz      NOT NULL,
    made_by        text,
    made_at        timestamptz,
    PRIMARY KEY (store_id, hold_id)
);
-- Whose hold stands in the way is looked for among those whose work ends after the time wanted.
CREATE INDEX capacity_hold_promised ON capacity_hold (store_id, promised_at);
CREATE INDEX capacity_hold_active ON capacity_hold (store_id) WHERE status = 'held';

-- Promises of open orders that a quote gave. Work has to be done by due_at, the promise less the
-- time to hand over; scored once the calibration has heard whether it was kept.
CREATE TABLE promise (
    store_id       text             NOT NULL,
    order_id       text             NOT NULL,
    due_at         timestamptz      NOT NULL,
    confidence     double precision NOT NULL,
    expected_at    timestamptz      NOT NULL,
    spread_minutes double precision NOT NULL,
    scored         boolean          NOT NULL DEFAULT false,
    PRIMARY KEY (store_id, order_id)
);

-- The risk of each open order's promise, as last computed. alerted_at: since when it counts as in
-- danger.
CREATE TABLE promise_risk (
    store_id        text             NOT NULL,
    order_id        text             NOT NULL,
    promised_at     timestamptz      NOT NULL,
    probability     double precision NOT NULL,
    cause           jsonb            NOT NULL,
    best_promise_at timestamptz      NOT NULL,
    computed_at     timestamptz      NOT NULL,
    alerted_at      timestamptz,
    PRIMARY KEY (store_id, order_id)
);

-- One row a store: the durations learned, and the calibration of its promises.
CREATE TABLE learned_model (
    store_id  text  NOT NULL PRIMARY KEY,
    durations jsonb NOT NULL DEFAULT '{}',
    scores    jsonb NOT NULL DEFAULT '[]',
    offsets   jsonb NOT NULL DEFAULT '{}'
);

-- Grants and policies.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['plan', 'repair_order', 'job', 'time_correction', 'override',
                                'inspection', 'additional_work', 'resource_booking', 'absence',
                                'capacity_hold', 'promise', 'promise_risk', 'learned_model'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY own_stores ON %I TO workshop '
                       'USING (store_id = ANY ((SELECT stores_in_scope())::text[]))', name);
        EXECUTE format('GRANT SELECT, INSERT ON %I TO workshop', name);
    END LOOP;
END
$$;
GRANT UPDATE ON plan, repair_order, job, override, inspection, additional_work, resource_booking,
    absence, capacity_hold, promise, promise_risk, learned_model TO workshop;
GRANT DELETE ON resource_booking, promise, promise_risk TO workshop;
