-- Attendance: working days of the staff, and corrections of them, which are only ever added.

-- One row a person and working day (出勤日). presences: from sign-in to sign-out; figures: as they
-- were announced last, absent while the first presence of the day goes on.
CREATE TABLE attendance_day (
    store_id    text        NOT NULL,
    person_id   text        NOT NULL,
    day         date        NOT NULL,
    presences   jsonb       NOT NULL DEFAULT '[]',
    source      text        NOT NULL DEFAULT 'signed'
                            CHECK (source IN ('signed', 'machine', 'corrected')),
    figures     jsonb,
    version     integer     NOT NULL DEFAULT 0,
    changed_by  text,
    changed_at  timestamptz,
    PRIMARY KEY (store_id, person_id, day)
) WITH (fillfactor = 70);
-- The manager sees a day of the whole store.
CREATE INDEX attendance_day_of_store ON attendance_day (store_id, day);

-- Corrections by managers (更正): what was recorded before and after, by whom and why. reason is
-- encrypted.
CREATE TABLE attendance_correction (
    store_id     text        NOT NULL,
    person_id    text        NOT NULL,
    day          date        NOT NULL,
    version      integer     NOT NULL,
    before       jsonb       NOT NULL,
    after        jsonb       NOT NULL,
    corrected_by text        NOT NULL,
    corrected_at timestamptz NOT NULL,
    reason       bytea       NOT NULL,
    PRIMARY KEY (store_id, person_id, day, version),
    FOREIGN KEY (store_id, person_id, day) REFERENCES attendance_day
);

-- Requests for leave (请假). reason and answer are encrypted.
CREATE TABLE leave_request (
    store_id         text        NOT NULL,
    leave_request_id text        NOT NULL,
    person_id        text        NOT NULL,
    kind             text        NOT NULL,
    first_day        date        NOT NULL,
    last_day         date        NOT NULL,
    requested_at     timestamptz NOT NULL,
    status           text        NOT NULL
                     CHECK (status IN ('requested', 'approved', 'declined', 'withdrawn')),
    decided_at       timestamptz,
    decided_by       text,
    reason           bytea,
    answer           bytea,
    version          integer     NOT NULL,
    changed_by       text,
    changed_at       timestamptz,
    PRIMARY KEY (store_id, leave_request_id)
);
-- A person's own, and those that wait for the manager.
CREATE INDEX leave_request_of_person ON leave_request (store_id, person_id);
CREATE INDEX leave_request_by_status ON leave_request (store_id, status);

-- Grants and policies.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['attendance_day', 'attendance_correction', 'leave_request'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY own_stores ON %I TO management '
                       'USING (store_id = ANY ((SELECT stores_in_scope())::text[]))', name);
        EXECUTE format('GRANT SELECT, INSERT ON %I TO management', name);
    END LOOP;
END
$$;
GRANT UPDATE ON attendance_day, leave_request TO management;
