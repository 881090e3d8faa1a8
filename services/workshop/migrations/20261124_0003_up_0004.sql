-- What a store learns from its finished jobs and its promises, and why jobs are planned as they
-- are.

ALTER TABLE job
    ADD COLUMN parts_eta   timestamptz,
    ADD COLUMN rush       boolean NOT NULL DEFAULT false,
    ADD COLUMN reason     jsonb,
    ADD COLUMN planned_by text;
-- Durations are learned from the latest finished jobs.
CREATE INDEX job_finished ON job (store_id, finished_at) WHERE finished_at IS NOT NULL;

-- The basis of the promise: the finish expected, and its spread in working minutes.
ALTER TABLE capacity_hold
    ADD COLUMN expected_at timestamptz      NOT NULL DEFAULT now(),
    ADD COLUMN spread_minutes double precision NOT NULL DEFAULT 60;
ALTER TABLE capacity_hold
    ALTER COLUMN expected_at DROP DEFAULT,
    ALTER COLUMN spread_minutes DROP DEFAULT;

-- Promises of open orders that a quote gave. Work has to be done by due_at, the promise less the
-- time to hand over; scored once the calibration has heard whether it was kept.
CREATE TABLE promise (
    store_id    text             NOT NULL,
    order_id    text             NOT NULL,
    due_at      timestamptz      NOT NULL,
    confidence  double precision NOT NULL,
    expected_at timestamptz      NOT NULL,
    spread_minutes double precision NOT NULL,
    scored      boolean          NOT NULL DEFAULT false,
    PRIMARY KEY (store_id, order_id)
);

-- One row a store: the durations learned, and the calibration of its promises.
CREATE TABLE learned_model (
    store_id  text  NOT NULL PRIMARY KEY,
    durations jsonb NOT NULL DEFAULT '{}',
    scores    jsonb NOT NULL DEFAULT '[]',
    offsets   jsonb NOT NULL DEFAULT '{}'
);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['promise', 'learned_model'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY own_stores ON %I TO workshop '
                       'USING (store_id = ANY ((SELECT stores_in_scope())::text[]))', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE ON %I TO workshop', name);
    END LOOP;
END
$$;
GRANT DELETE ON promise TO workshop;
