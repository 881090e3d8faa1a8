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

ALTER TABLE time_correction ENABLE ROW LEVEL SECURITY;
ALTER TABLE time_correction FORCE ROW LEVEL SECURITY;
CREATE POLICY own_stores ON time_correction TO workshop
    USING (store_id = ANY ((SELECT stores_in_scope())::text[]));
GRANT SELECT, INSERT ON time_correction TO workshop;
