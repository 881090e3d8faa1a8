-- Attended time of the staff, the denominator of utilization (工时利用率).

-- Working days of persons, by the newest AttendanceRecorded of each.
CREATE TABLE attendance_fact (
    store_id      text        NOT NULL,
    person_id     text        NOT NULL,
    business_date date        NOT NULL,
    is_technician boolean     NOT NULL,
    attended_s    bigint      NOT NULL,
    ended_at      timestamptz,
    sequence      bigint      NOT NULL,
    PRIMARY KEY (store_id, person_id, business_date)
) WITH (fillfactor = 70);
-- A day's attended hours are those of the working days that ended in it.
CREATE INDEX attendance_fact_ended ON attendance_fact (store_id, ended_at) WHERE is_technician;

ALTER TABLE attendance_fact ENABLE ROW LEVEL SECURITY;
ALTER TABLE attendance_fact FORCE ROW LEVEL SECURITY;
CREATE POLICY own_stores ON attendance_fact TO reporting
    USING (store_id = ANY ((SELECT stores_in_scope())::text[]));
GRANT SELECT, INSERT, UPDATE ON attendance_fact TO reporting;
