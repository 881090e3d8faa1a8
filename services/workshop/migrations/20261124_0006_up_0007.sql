-- Boards and lists show what is not yet inspected, the plan what is not yet finished.
DROP INDEX job_open;
CREATE INDEX job_current ON job (store_id)
    WHERE status IN ('planned', 'in_progress', 'paused', 'finished');
-- The plan of a day shows the jobs that end in it or later.
CREATE INDEX job_ending ON job (store_id, (coalesce(finished_at, planned_finish_at)));
-- Jobs are counted by when they were ordered.
CREATE INDEX job_ordered ON job (store_id, opened_at);
