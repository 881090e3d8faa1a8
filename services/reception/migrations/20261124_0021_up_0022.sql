-- A timer that could not be handled is tried again when next_attempt_at, in real time, has
-- passed. attempts counts all tries in vain; failures those that a neighbor's absence does not
-- explain. One that is given up stands still until an operator decides, or its entity gets a new
-- one.
ALTER TABLE timer
    ADD COLUMN attempts        integer     NOT NULL DEFAULT 0,
    ADD COLUMN failures        integer     NOT NULL DEFAULT 0,
    ADD COLUMN next_attempt_at timestamptz NOT NULL DEFAULT '-infinity',
    ADD COLUMN error           text,
    ADD COLUMN given_up_at     timestamptz;

-- Each kind is looked up by itself, ten times a second.
DROP INDEX timer_due;
CREATE INDEX timer_due ON timer (kind, due_at) WHERE given_up_at IS NULL;
CREATE INDEX timer_given_up ON timer (given_up_at) WHERE given_up_at IS NOT NULL;

DO $$
BEGIN
    EXECUTE format('GRANT UPDATE, DELETE ON timer TO %I', current_schema() || '_worker');
END
$$;
