-- What tells a repeated event from another one at the same sequence (事件冲突): eight bytes an
-- event. The last of a key stand in its position, which an event writes anyway; all but the last 64
-- of a long key move to applied_digests. Both are kept as long as the position. Of a compacted
-- topic only the last are kept, with the line_number of the record applied last.
ALTER TABLE stream_position
    ADD COLUMN digests   bytea NOT NULL DEFAULT '',
    ADD COLUMN partition integer,
    ADD COLUMN "offset"  bigint;

CREATE TABLE applied_digests (
    consumer       text   NOT NULL,
    topic          text   NOT NULL,
    key            text   NOT NULL,
    first_sequence bigint NOT NULL,
    store_id       text   NOT NULL,
    digests        bytea  NOT NULL,
    PRIMARY KEY (consumer, topic, key, first_sequence)
);

-- Whether an event is dead-lettered because another one has its sequence; nothing waits behind it.
ALTER TABLE dead_letter ADD COLUMN conflict boolean NOT NULL DEFAULT false;

ALTER TABLE applied_digests ENABLE ROW LEVEL SECURITY;
ALTER TABLE applied_digests FORCE ROW LEVEL SECURITY;
DO $$
DECLARE
    app    text := current_schema();
    worker text := current_schema() || '_worker';
BEGIN
    EXECUTE format('CREATE POLICY own_stores ON applied_digests TO %I '
                   'USING (store_id = ANY ((SELECT stores_in_scope())::text[]))', app);
    EXECUTE format('CREATE POLICY worker ON applied_digests TO %I USING (true)', worker);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE ON applied_digests TO %I', app);
    EXECUTE format('GRANT SELECT ON applied_digests TO %I', worker);
END
$$;
