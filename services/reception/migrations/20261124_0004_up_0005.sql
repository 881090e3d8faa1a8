-- Versions of the estimate, links by which customers decide on them, and the workshop's jobs.

CREATE TABLE estimate (
    store_id           text        NOT NULL,
    order_id           text        NOT NULL,
    version            integer     NOT NULL,
    additional_work_id text,
    labor_operations   jsonb       NOT NULL,
    lines              jsonb       NOT NULL,
    status             text        NOT NULL
        CHECK (status IN ('awaiting', 'authorized', 'declined', 'superseded')),
    presented_by       text        NOT NULL,
    presented_at       timestamptz NOT NULL,
    channel            text        CHECK (channel IN ('in_person', 'link', 'phone')),
    recorded_by        text,
    decided_at         timestamptz,
    PRIMARY KEY (store_id, order_id, version)
);
-- What a vehicle's owner did not want is offered again at the next visit.
CREATE INDEX estimate_declined ON estimate (store_id, order_id)
    WHERE additional_work_id IS NOT NULL AND status IN ('awaiting', 'declined');

-- A link (授权链接) is known by the hash of its token only, and used once.
CREATE TABLE authorization_link (
    store_id   text        NOT NULL,
    link_id    text        NOT NULL,
    order_id   text        NOT NULL,
    version    integer     NOT NULL,
    token_hash bytea       NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at    timestamptz,
    PRIMARY KEY (store_id, link_id),
    UNIQUE (store_id, token_hash)
);

-- Jobs of the workshop by order: when they are planned to be finished, and whether they are.
CREATE TABLE order_job (
    store_id          text        NOT NULL,
    order_id          text        NOT NULL,
    job_id            text        NOT NULL,
    op_code           text        NOT NULL,
    planned_finish_at timestamptz NOT NULL,
    finished_at       timestamptz,
    PRIMARY KEY (store_id, order_id, job_id)
);

ALTER TABLE repair_order
    ADD COLUMN awaiting_estimates integer NOT NULL DEFAULT 0,
    DROP COLUMN planned_finishes;
-- Earlier visits of the vehicle that stands at reception.
CREATE INDEX repair_order_vehicle ON repair_order (store_id, plate_ref, arrived_at);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['estimate', 'authorization_link', 'order_job'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY own_stores ON %I TO reception '
                       'USING (store_id = ANY ((SELECT stores_in_scope())::text[]))', name);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE ON %I TO reception', name);
    END LOOP;
END
$$;
