-- Manual overrides, what the workshop knows of repair orders, and how a job came to be.
ALTER TABLE job
    ADD COLUMN forbidden_technicians jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN rework_for            jsonb NOT NULL DEFAULT '[]',
    ADD COLUMN comeback_of           text,
    ADD COLUMN missed_punches      integer NOT NULL DEFAULT 0,
    ADD COLUMN diagnosis             jsonb NOT NULL DEFAULT '[]';

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

-- An absence can be taken back.
ALTER TABLE absence
    DROP CONSTRAINT absence_pkey,
    ADD COLUMN absence_id   text NOT NULL DEFAULT gen_random_uuid(),
    ADD COLUMN cancelled_at timestamptz,
    ADD PRIMARY KEY (store_id, absence_id);
ALTER TABLE absence ALTER COLUMN absence_id DROP DEFAULT;
-- The absences of one technician are looked through before another is added.
CREATE INDEX absence_of_technician ON absence (store_id, technician_id, ends_at);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['repair_order', 'override', 'inspection', 'additional_work'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY own_stores ON %I TO workshop '
                       'USING (store_id = ANY ((SELECT stores_in_scope())::text[]))', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE ON %I TO workshop', name);
    END LOOP;
END
$$;
