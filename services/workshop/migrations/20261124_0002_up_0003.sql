-- What somebody saw when they changed a job: raised each time the job is saved.
ALTER TABLE job ADD COLUMN version integer NOT NULL DEFAULT 1;
