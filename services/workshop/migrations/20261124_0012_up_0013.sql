-- What each technician has clocked on a job, and since when they are clocked in.
ALTER TABLE job ADD COLUMN clockings jsonb NOT NULL DEFAULT '[]';
