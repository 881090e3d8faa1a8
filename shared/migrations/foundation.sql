-- What every service has besides its own tables. Runs as the schema's owner; search_path is the
-- schema. The roles are named after the schema: reception runs, reception_worker relays and keeps
-- time.

-- Functions with their owner's rights find names in the service's schema and nowhere else: the
-- last place in the path is stated, or a caller's temporary tables would come first.
SELECT set_config('search_path', current_schema() || ', pg_temp', true);

CREATE FUNCTION stores_in_scope() RETURNS text[]
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN string_to_array(current_setting('app.stores', true), ',');

-- A function that sees other stores' rows asks this first: the caller works for a store, and names
-- what it wants to know.
CREATE FUNCTION require_question(VARIADIC names text[]) RETURNS boolean
    LANGUAGE plpgsql STABLE
AS $$
BEGIN
    IF coalesce(cardinality(stores_in_scope()), 0) = 0 THEN
        RAISE insufficient_privilege USING MESSAGE = 'no store is in scope';
    END IF;
    IF NOT EXISTS (SELECT FROM unnest(names) AS name WHERE name <> '') THEN
        RAISE invalid_parameter_value USING MESSAGE = 'nothing is named to ask about';
    END IF;
    RETURN true;
END
$$;

-- Events that wait for the broker or were sent lately. Columns follow change-data-capture names.
CREATE TABLE outbox (
    id            uuid        NOT NULL,
    created_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    store_id      text        NOT NULL,
    topic         text        NOT NULL,
    aggregatetype text        NOT NULL,
    aggregateid   text        NOT NULL,
    sequence      bigint      NOT NULL,
    type          text        NOT NULL,
    payload       bytea       NOT NULL,
    headers       jsonb       NOT NULL,
    sent_at       timestamptz,
    PRIMARY KEY (id, created_at)
) PARTITION BY RANGE (created_at);
-- The relay looks for the oldest unsent rows; sent rows leave the index.
CREATE INDEX outbox_unsent ON outbox (created_at) WHERE sent_at IS NULL;
-- The relay then takes every unsent row of a key, in order.
CREATE INDEX outbox_unsent_key ON outbox (topic, aggregateid, sequence) WHERE sent_at IS NULL;

-- The last sequence given out per topic and key. Its row lock makes commit order equal sequence.
CREATE TABLE stream_head (
    topic         text   NOT NULL,
    key           text   NOT NULL,
    store_id      text   NOT NULL,
    last_sequence bigint NOT NULL,
    PRIMARY KEY (topic, key)
);

-- The one relay at work. A taker-over ends this database session before it begins.
CREATE TABLE relay_lease (
    single        boolean     PRIMARY KEY DEFAULT true CHECK (single),
    holder        text        NOT NULL,
    backend_pid   integer     NOT NULL,
    backend_start timestamptz NOT NULL,
    heartbeat_at  timestamptz NOT NULL
);

-- How far a consumer has applied the events of a key: the duplicate guard. The store is part of a
-- stream's identity: what another store says of a key can neither hide, nor hold up, nor replace
-- the store's own events. The key comes first, to find all stores that have it.
-- digests tell a repeated event from another one at the same sequence (事件冲突): eight bytes an
-- event, those of the key's latest 64. Of a compacted topic only the last is kept, with the place
-- (partition, offset) of the record applied last.
CREATE TABLE stream_position (
    consumer      text    NOT NULL,
    topic         text    NOT NULL,
    key           text    NOT NULL,
    store_id      text    NOT NULL,
    last_sequence bigint  NOT NULL,
    digests       bytea   NOT NULL DEFAULT '',
    partition     integer,
    "offset"      bigint,
    PRIMARY KEY (consumer, topic, key, store_id)
);

-- The earlier digests of a long key, kept as long as its position.
CREATE TABLE applied_digests (
    consumer       text   NOT NULL,
    topic          text   NOT NULL,
    key            text   NOT NULL,
    first_sequence bigint NOT NULL,
    store_id       text   NOT NULL,
    digests        bytea  NOT NULL,
    PRIMARY KEY (consumer, topic, key, store_id, first_sequence)
);

-- Master data as management has published it: the newest state of each record, whole. It concerns
-- the whole group and every scope reads all of it, so it has no store and no row-level security.
-- event_id tells one state from another; for_stores are the stores that it concerns.
CREATE TABLE master_data (
    topic      text   NOT NULL,
    key        text   NOT NULL COLLATE "C",
    version    bigint NOT NULL,
    event_id   text   NOT NULL,
    record     jsonb  NOT NULL,
    for_stores text[] NOT NULL,
    PRIMARY KEY (topic, key)
);
CREATE INDEX master_data_stores ON master_data USING gin (for_stores);
-- The versions of one topic are summed up to find out whether any of its records has changed.
CREATE INDEX master_data_versions ON master_data (topic, version);

-- The topics of master data that were once read to the ends that they had at the start. Before
-- that, the service neither responds nor reads other topics.
CREATE TABLE complete_topic (
    topic        text        PRIMARY KEY,
    completed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Events whose predecessor is missing or is a dead letter.
CREATE TABLE parked_event (
    consumer  text        NOT NULL,
    topic     text        NOT NULL,
    key       text        NOT NULL,
    sequence  bigint      NOT NULL,
    store_id  text        NOT NULL,
    value     bytea,
    headers   jsonb       NOT NULL,
    partition integer     NOT NULL,
    "offset"  bigint      NOT NULL,
    parked_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, topic, key, store_id, sequence)
);

-- Events that could not be understood, byte for byte. conflict: another event has its sequence;
-- nothing waits behind it.
CREATE TABLE dead_letter (
    dead_letter_id bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    consumer       text        NOT NULL,
    topic          text        NOT NULL,
    partition      integer     NOT NULL,
    "offset"       bigint      NOT NULL,
    store_id       text        NOT NULL,
    key            bytea,
    sequence       bigint,
    value          bytea,
    headers        jsonb       NOT NULL,
    error          text        NOT NULL,
    conflict       boolean     NOT NULL DEFAULT false,
    failed_at      timestamptz NOT NULL DEFAULT now(),
    decision       text        CHECK (decision IN ('replay', 'skip')),
    resolved_at    timestamptz,
    UNIQUE (consumer, topic, partition, "offset")
);

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

-- Timers. A row is deleted in the transaction that handles it. One that could not be handled is
-- tried again when next_attempt_at, in real time, has passed. attempts counts all tries in vain;
-- failures those that a neighbor's absence does not explain. One that is given up stands still
-- until an operator decides, or its entity gets a new one.
CREATE TABLE timer (
    timer_id        uuid        PRIMARY KEY,
    store_id        text        NOT NULL,
    kind            text        NOT NULL,
    entity_id       text        NOT NULL,
    due_at          timestamptz NOT NULL,
    data            jsonb       NOT NULL DEFAULT '{}',
    attempts        integer     NOT NULL DEFAULT 0,
    failures        integer     NOT NULL DEFAULT 0,
    next_attempt_at timestamptz NOT NULL DEFAULT '-infinity',
    error           text,
    given_up_at     timestamptz,
    UNIQUE (kind, entity_id)
);
-- Each kind is looked up by itself.
CREATE INDEX timer_due ON timer (kind, due_at) WHERE given_up_at IS NULL;
CREATE INDEX timer_given_up ON timer (given_up_at) WHERE given_up_at IS NOT NULL;

-- Responses to commands, so that a repeated command has one effect and the same response.
CREATE TABLE idempotency (
    principal    text        NOT NULL,
    key          text        NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    store_id     text        NOT NULL,
    request_hash bytea       NOT NULL,
    status       smallint    NOT NULL,
    response     jsonb       NOT NULL,
    PRIMARY KEY (principal, key, created_at)
) PARTITION BY RANGE (created_at);

-- Keys that encrypt one subject's free text, wrapped by the group's master key.
CREATE TABLE subject_key (
    store_id        text  NOT NULL,
    data_subject_id text  NOT NULL,
    wrapped_key     bytea NOT NULL,
    PRIMARY KEY (store_id, data_subject_id)
);

-- Creates the partitions of the coming days and drops those past their retention in which nothing
-- is unsent.
CREATE FUNCTION change_partitions(days_ahead integer, days_kept integer) RETURNS void
    LANGUAGE plpgsql SET search_path FROM CURRENT
AS $$
DECLARE
    parent   text;
    day      date;
    old      record;
    waiting  boolean;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext(current_schema() || '.partitions'));
    FOREACH parent IN ARRAY ARRAY['outbox', 'idempotency'] LOOP
        FOR offset_days IN -1 .. days_ahead LOOP
            day := (now() AT TIME ZONE 'UTC')::date + offset_days;
            EXECUTE format(
                'CREATE TABLE IF NOT EXISTS %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
                parent || '_' || to_char(day, 'YYYYMMDD'), parent,
                day::text || ' 00:00:00+00', (day + 1)::text || ' 00:00:00+00');
        END LOOP;
        FOR old IN
            SELECT inhrelid::regclass AS name
            FROM pg_inherits
            WHERE inhparent = parent::regclass
              AND to_date(right(inhrelid::regclass::text, 8), 'YYYYMMDD')
                  < (now() AT TIME ZONE 'UTC')::date - days_kept
        LOOP
            waiting := false;
            IF parent = 'outbox' THEN
                EXECUTE format('SELECT EXISTS (SELECT FROM %s WHERE sent_at IS NULL)', old.name)
                    INTO waiting;
            END IF;
            IF NOT waiting THEN
                EXECUTE format('DROP TABLE %s', old.name);
            END IF;
        END LOOP;
    END LOOP;
END
$$;

-- The worker alone may tidy up, with the owner's rights, and never what is of today or yesterday.
CREATE FUNCTION maintain_partitions(days_ahead integer, days_kept integer) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    IF (days_ahead BETWEEN 1 AND 60 AND days_kept BETWEEN 1 AND 3660) IS NOT TRUE THEN
        RAISE invalid_parameter_value USING MESSAGE = format(
            '1 to 60 days ahead and 1 to 3660 days kept, not %s and %s', days_ahead, days_kept);
    END IF;
    PERFORM change_partitions(days_ahead, days_kept);
END
$$;

SELECT maintain_partitions(14, 30);

-- Grants and policies. The runtime role sees the stores in scope; the worker its own tables only.
DO $$
DECLARE
    app    text := current_schema();
    worker text := current_schema() || '_worker';
    owner  text := current_schema() || '_owner';
    name   text;
BEGIN
    FOREACH name IN ARRAY ARRAY['outbox', 'stream_head', 'stream_position', 'applied_digests',
                                'parked_event', 'dead_letter', 'dead_letter_decision', 'timer',
                                'idempotency', 'subject_key'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['outbox', 'stream_head', 'stream_position', 'applied_digests',
                                'parked_event', 'dead_letter', 'timer', 'idempotency',
                                'subject_key'] LOOP
        EXECUTE format('CREATE POLICY own_stores ON %I TO %I '
                       'USING (store_id = ANY ((SELECT stores_in_scope())::text[]))', name, app);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['outbox', 'stream_position', 'applied_digests', 'parked_event',
                                'dead_letter', 'dead_letter_decision', 'timer'] LOOP
        EXECUTE format('CREATE POLICY worker ON %I TO %I USING (true)', name, worker);
    END LOOP;
    -- An event without a readable store is dead-lettered under the empty store.
    EXECUTE format('CREATE POLICY storeless ON dead_letter FOR INSERT TO %I '
                   'WITH CHECK (store_id = '''')', app);
    -- A caller's idempotency key stands for one command, whatever store that was for: each caller
    -- finds their own keys, and those alone, beyond the store in scope.
    EXECUTE format('CREATE POLICY own_keys ON idempotency FOR SELECT TO %I '
                   'USING (principal = (SELECT current_setting(''app.caller'', true)))', app);
    -- maintain_partitions, run as the owner, must see whether an old partition has unsent rows.
    EXECUTE format('CREATE POLICY maintenance ON outbox FOR SELECT TO %I USING (true)', owner);

    EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I, %I', app, app, worker);
    EXECUTE format('GRANT INSERT ON outbox TO %I', app);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE ON stream_head, stream_position, applied_digests, '
                   'dead_letter, master_data TO %I', app);
    EXECUTE format('GRANT SELECT, INSERT, DELETE ON parked_event, subject_key TO %I', app);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON timer TO %I', app);
    EXECUTE format('GRANT SELECT, INSERT ON idempotency TO %I', app);
    EXECUTE format('GRANT SELECT ON stream_position, applied_digests, parked_event TO %I', worker);
    EXECUTE format('GRANT SELECT, INSERT ON dead_letter_decision, complete_topic TO %I', worker);
    EXECUTE format('GRANT SELECT, UPDATE ON outbox, dead_letter TO %I', worker);
    EXECUTE format('GRANT SELECT, UPDATE, DELETE ON timer TO %I', worker);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE ON relay_lease TO %I', worker);
    EXECUTE 'REVOKE ALL ON FUNCTION change_partitions, maintain_partitions FROM PUBLIC';
    EXECUTE format('GRANT EXECUTE ON FUNCTION maintain_partitions TO %I', worker);
END
$$;
