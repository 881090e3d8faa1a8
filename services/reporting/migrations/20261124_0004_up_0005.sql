-- A clock that a manager put right (工时更正) counts in the place of the one of JobFinished.
ALTER TABLE job_fact
    ADD COLUMN corrected_finished_at timestamptz,
    ADD COLUMN corrected_clocked_s   bigint,
    ADD COLUMN correction_sequence   bigint;
DROP INDEX job_fact_finished;
-- A day's clocked hours are those of the jobs finished in it.
CREATE INDEX job_fact_finished
    ON job_fact (store_id, (coalesce(corrected_finished_at, finished_at)));
