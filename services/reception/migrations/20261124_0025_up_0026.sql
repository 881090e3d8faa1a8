-- Who had a dead letter replayed or skipped. One command, known by its key, decides once.
CREATE TABLE dead_letter_decision (
    letter_id       text        NOT NULL,
    store_id        text        NOT NULL,
    about           text        NOT NULL,
    decision        text        NOT NULL CHECK (decision IN ('replay', 'skip')),
    decided_by      text        NOT NULL,
    decided_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    idempotency_key text        NOT NULL,
    PRIMARY KEY (decided_by, idempotency_key)
);
CREATE INDEX dead_letter_decided ON dead_letter_decision (decided_at);

ALTER TABLE dead_letter_decision ENABLE ROW LEVEL SECURITY;
ALTER TABLE dead_letter_decision FORCE ROW LEVEL SECURITY;
DO $$
DECLARE
    worker text := current_schema() || '_worker';
BEGIN
    EXECUTE format('CREATE POLICY worker ON dead_letter_decision TO %I USING (true)', worker);
    EXECUTE format('GRANT SELECT, INSERT ON dead_letter_decision TO %I', worker);
END
$$;
