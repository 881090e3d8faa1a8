-- Reception's own tables. Runs as the schema's owner after the foundation. Free text, signatures
-- and customer details are encrypted under the data subject key of their order or appointment.

-- Appointments ---------------------------------------------------------------------------------

-- Appointments (预约): who comes, for what work, and the promise behind the hold.
CREATE TABLE appointment (
    store_id            text        NOT NULL,
    appointment_id      text        NOT NULL,
    plate_ref           text        NOT NULL,
    customer_ref        text,
    appointment_at      timestamptz NOT NULL,
    op_codes            jsonb       NOT NULL,
    parts               jsonb       NOT NULL DEFAULT '[]',
    hold_id             text,
    promised_at         timestamptz,
    status              text        NOT NULL
        CHECK (status IN ('booked', 'arrived', 'cancelled', 'no_show')),
    reschedule_required boolean     NOT NULL DEFAULT false,
    version             integer     NOT NULL DEFAULT 1,
    changed_by          text,
    changed_at          timestamptz,
    PRIMARY KEY (store_id, appointment_id)
);
CREATE INDEX appointment_by_time ON appointment (store_id, appointment_at);
-- The vehicle's other bookings, in all stores of the group.
CREATE INDEX appointment_plate ON appointment (plate_ref, appointment_at) WHERE status = 'booked';

-- The workshop's latest free time for each store, to quote from while the workshop is unavailable.
CREATE TABLE store_capacity (
    store_id text  NOT NULL PRIMARY KEY,
    free     jsonb NOT NULL
);

-- Orders ---------------------------------------------------------------------------------------

-- Queue numbers (排队号) start at 1 each day of the store.
CREATE TABLE arrival_queue (
    store_id    text    NOT NULL,
    day         date    NOT NULL,
    last_number integer NOT NULL,
    PRIMARY KEY (store_id, day)
);

-- An order has one row in each of the next three tables, from the vehicle's arrival on. Its row in
-- repair_order is locked before any of them changes.

-- Visits (到店): arrival, greeting, and what the advisor records of customer and vehicle.
CREATE TABLE visit (
    store_id                    text        NOT NULL,
    order_id                    text        NOT NULL,
    version                     integer     NOT NULL DEFAULT 0,
    changed_by                  text,
    changed_at                  timestamptz,
    queue_number                integer     NOT NULL,
    plate_ref                   text        NOT NULL,
    appointment_id              text,
    arrived_at                  timestamptz NOT NULL,
    greeting_due_at             timestamptz NOT NULL,
    advisor_id                  text,
    greeted_at                  timestamptz,
    customer_ref                text,
    customer_details            bytea,
    vehicle_ref                 text        NOT NULL,
    vehicle_identified          boolean     NOT NULL DEFAULT false,
    odometer_km                 integer,
    odometer_discrepancy_reason text,
    fuel_or_charge_percent      smallint    CHECK (fuel_or_charge_percent BETWEEN 0 AND 100),
    walkaround_damages          jsonb       NOT NULL DEFAULT '[]',
    belongings                  bytea,
    waiting_customer            boolean     NOT NULL DEFAULT false,
    PRIMARY KEY (store_id, order_id)
);
-- The boards show the visits of the last days.
CREATE INDEX visit_arrived ON visit (store_id, arrived_at);
-- The workload of the day's advisors.
CREATE INDEX visit_greeted ON visit (store_id, greeted_at) WHERE greeted_at IS NOT NULL;
-- The vehicle's visits to all stores of the group, by plate and by reference.
CREATE INDEX visit_plate ON visit (plate_ref, arrived_at);
CREATE INDEX visit_vehicle ON visit (vehicle_ref, arrived_at);

-- Repair orders (维修工单): status, agreed work, promise and delivery.
CREATE TABLE repair_order (
    store_id            text        NOT NULL,
    order_id            text        NOT NULL,
    version             integer     NOT NULL DEFAULT 0,
    changed_by          text,
    changed_at          timestamptz,
    status              text        NOT NULL,
    customer_concern    bytea,
    symptoms            jsonb       NOT NULL DEFAULT '[]',
    labor_operations    jsonb       NOT NULL DEFAULT '[]',
    lines               jsonb       NOT NULL DEFAULT '[]',
    estimate_cents      bigint      NOT NULL DEFAULT 0,
    estimate_count      integer     NOT NULL DEFAULT 0,
    awaiting_estimates  integer     NOT NULL DEFAULT 0,
    discount            jsonb,
    hold_id             text,
    opened_at           timestamptz,
    promised_at         timestamptz,
    promise_provisional boolean     NOT NULL DEFAULT false,
    risk                jsonb,
    ready_at            timestamptz,
    steps               jsonb       NOT NULL DEFAULT '{}',
    waivers             jsonb       NOT NULL DEFAULT '{}',
    step_bases          jsonb       NOT NULL DEFAULT '{}',
    signed_at           timestamptz,
    signature           bytea,
    delivered_at        timestamptz,
    PRIMARY KEY (store_id, order_id)
);
-- The boards show what is not yet finished.
CREATE INDEX repair_order_open ON repair_order (store_id, status)
    WHERE status NOT IN ('closed', 'cancelled');

-- Accounts of orders (结算账户): deposits, the invoice by payer, and what was paid.
CREATE TABLE order_account (
    store_id        text        NOT NULL,
    order_id        text        NOT NULL,
    version         integer     NOT NULL DEFAULT 0,
    changed_by      text,
    changed_at      timestamptz,
    deposit_cents   bigint      NOT NULL DEFAULT 0 CHECK (deposit_cents >= 0),
    money_by_method jsonb       NOT NULL DEFAULT '{}',
    invoice_id      text,
    payer_splits    jsonb       NOT NULL DEFAULT '[]',
    invoiced_cents  bigint      NOT NULL DEFAULT 0,
    credited_cents  bigint      NOT NULL DEFAULT 0,
    received_cents  bigint      NOT NULL DEFAULT 0,
    on_account      jsonb,
    PRIMARY KEY (store_id, order_id),
    CHECK (received_cents BETWEEN 0 AND invoiced_cents)
);
-- Receivables (应收) and money held (暂存款).
CREATE INDEX order_account_unpaid ON order_account (store_id, order_id)
    WHERE invoice_id IS NOT NULL AND received_cents < invoiced_cents;
CREATE INDEX order_account_deposit ON order_account (store_id, order_id) WHERE deposit_cents > 0;

-- The workshop's jobs of an order: the time that each allows to promise, and whether it is done.
CREATE TABLE order_job (
    store_id      text        NOT NULL,
    order_id      text        NOT NULL,
    job_id        text        NOT NULL,
    op_code       text        NOT NULL,
    promisable_at timestamptz NOT NULL,
    finished_at   timestamptz,
    PRIMARY KEY (store_id, order_id, job_id)
);

-- Reasons for which orders and appointments were cancelled.
CREATE TABLE cancellation (
    store_id     text        NOT NULL,
    entity_id    text        NOT NULL,
    reason       text        NOT NULL,
    note         bytea,
    cancelled_by text        NOT NULL,
    cancelled_at timestamptz NOT NULL,
    PRIMARY KEY (store_id, entity_id)
);

-- Estimates and the customer's decisions -------------------------------------------------------

-- Versions of an order's estimate (估价版本), and the customer's decision on each.
CREATE TABLE estimate (
    store_id           text        NOT NULL,
    order_id           text        NOT NULL,
    version            integer     NOT NULL,
    additional_work_id text,
    labor_operations   jsonb       NOT NULL,
    lines              jsonb       NOT NULL,
    status             text        NOT NULL
        CHECK (status IN (
            'awaiting', 'authorized', 'declined', 'not_offered', 'unanswered', 'superseded'
        )),
    presented_by       text        NOT NULL,
    presented_at       timestamptz NOT NULL,
    channel            text        CHECK (channel IN ('in_person', 'link', 'phone')),
    recorded_by        text,
    decided_at         timestamptz,
    link_consent       jsonb,
    PRIMARY KEY (store_id, order_id, version)
);
-- Work that the customer has not ordered is offered again at the vehicle's next visit.
CREATE INDEX estimate_to_reoffer ON estimate (store_id, order_id)
    WHERE status IN ('declined', 'not_offered', 'unanswered');

-- One-time links (授权链接) to a version of an estimate, known by the hash of their token only.
CREATE TABLE authorization_link (
    store_id    text        NOT NULL,
    link_id     text        NOT NULL,
    order_id    text        NOT NULL,
    version     integer     NOT NULL,
    token_hash  bytea       NOT NULL,
    promised_at timestamptz,
    made_by     text,
    made_at     timestamptz,
    sent        boolean     NOT NULL DEFAULT false,
    message_id  text,
    expires_at  timestamptz NOT NULL,
    used_at     timestamptz,
    PRIMARY KEY (store_id, link_id),
    UNIQUE (store_id, token_hash)
);

-- Uses of a link: who saw it, and from where. A network is a keyed hash of a shortened address.
CREATE TABLE link_use (
    store_id     text        NOT NULL,
    link_id      text        NOT NULL,
    entry        bigint      GENERATED ALWAYS AS IDENTITY,
    use          text        NOT NULL CHECK (use IN ('shown', 'opened', 'decided')),
    at           timestamptz NOT NULL,
    colleague    text,
    staff_device text,
    device       text,
    network      text,
    own_network  boolean,
    PRIMARY KEY (store_id, link_id, entry),
    FOREIGN KEY (store_id, link_id) REFERENCES authorization_link
);

-- Invoices, vouchers and warranty claims -------------------------------------------------------

-- Invoices (结算单) as they were issued, with their tax invoices. An order is invoiced again once
-- its invoice is credited whole.
CREATE TABLE invoice (
    store_id           text        NOT NULL,
    invoice_id         text        NOT NULL,
    order_id           text        NOT NULL,
    content            jsonb       NOT NULL,
    issued_at          timestamptz NOT NULL,
    tax_invoice_number text,
    issued_tax_cents   bigint,
    PRIMARY KEY (store_id, invoice_id)
);
CREATE INDEX invoice_of_order ON invoice (store_id, order_id);
CREATE INDEX invoice_issued ON invoice (store_id, issued_at);

-- Credit notes (红冲单): corrections of invoices, with the corrections of their tax invoices.
CREATE TABLE credit_note (
    store_id           text        NOT NULL,
    credit_note_id     text        NOT NULL,
    order_id           text        NOT NULL,
    content            jsonb       NOT NULL,
    issued_at          timestamptz NOT NULL,
    tax_invoice_number text,
    issued_tax_cents   bigint,
    PRIMARY KEY (store_id, credit_note_id)
);
CREATE INDEX credit_note_order ON credit_note (store_id, order_id, issued_at);

-- Vouchers (代金券) and service cards (维修卡), redeemed once.
CREATE TABLE voucher (
    store_id       text        NOT NULL,
    voucher_id     text        NOT NULL,
    kind           text        NOT NULL CHECK (kind IN ('voucher', 'service_card')),
    value_cents    bigint      NOT NULL CHECK (value_cents >= 0),
    op_code        text,
    customer_ref   text,
    expires_at     timestamptz NOT NULL,
    issued_by      text        NOT NULL,
    issued_at      timestamptz NOT NULL,
    order_id       text,
    redeemed_cents bigint      NOT NULL DEFAULT 0,
    redeemed_at    timestamptz,
    PRIMARY KEY (store_id, voucher_id)
);
-- Vouchers of an invoice are reinstated with its correction.
CREATE INDEX voucher_order ON voucher (store_id, order_id) WHERE order_id IS NOT NULL;

-- Warranty claims (索赔) on the manufacturer, with its latest decision.
CREATE TABLE warranty_claim (
    store_id          text        NOT NULL,
    claim_id          text        NOT NULL,
    version           integer     NOT NULL,
    changed_by        text,
    changed_at        timestamptz,
    order_id          text        NOT NULL,
    status            text        NOT NULL
        CHECK (status IN ('draft', 'submitted', 'approved', 'rejected', 'settled', 'written_off',
                          'withdrawn')),
    lines             jsonb       NOT NULL,
    amount_cents      bigint      NOT NULL,
    claim_details     jsonb       NOT NULL,
    due_at            timestamptz NOT NULL,
    submission_number integer     NOT NULL,
    approved_cents    bigint      NOT NULL,
    decision          text,
    decided_at        timestamptz,
    PRIMARY KEY (store_id, claim_id)
);
-- The ledger lists open claims, the most urgent first.
CREATE INDEX warranty_claim_open ON warranty_claim (store_id, status, due_at);

-- Photos, feedback and daily checks ------------------------------------------------------------

-- Facts of a photo. Its content is in the file store, encrypted under the order's data subject key,
-- or under its own where there is no order.
CREATE TABLE photo (
    store_id text        NOT NULL,
    photo_id text        NOT NULL,
    order_id text,
    kind     text        NOT NULL,
    position text,
    taken_by text        NOT NULL,
    taken_at timestamptz NOT NULL,
    PRIMARY KEY (store_id, photo_id)
);
CREATE INDEX photo_order ON photo (store_id, order_id, taken_at) WHERE order_id IS NOT NULL;

-- The customer's feedback at the counter (现场评价).
CREATE TABLE feedback (
    store_id         text        NOT NULL,
    order_id         text        NOT NULL,
    work_quality     smallint    NOT NULL CHECK (work_quality BETWEEN 1 AND 5),
    technical_skill  smallint    NOT NULL CHECK (technical_skill BETWEEN 1 AND 5),
    service_attitude smallint    NOT NULL CHECK (service_attitude BETWEEN 1 AND 5),
    recorded_by      text        NOT NULL,
    submitted_at     timestamptz NOT NULL,
    comment          bytea,
    PRIMARY KEY (store_id, order_id)
);

-- Daily checks of customer lounge and service drive.
CREATE TABLE facility_check (
    store_id   text        NOT NULL,
    check_id   text        NOT NULL,
    area       text        NOT NULL,
    day        date        NOT NULL,
    results    jsonb       NOT NULL,
    photo_id   text,
    checked_by text        NOT NULL,
    checked_at timestamptz NOT NULL,
    PRIMARY KEY (store_id, check_id)
);
CREATE INDEX facility_check_day ON facility_check (store_id, day);

-- Rights ---------------------------------------------------------------------------------------

-- The service sees the rows of the stores in scope, adds to all tables, and changes some.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['appointment', 'store_capacity', 'arrival_queue', 'visit',
                                'repair_order', 'order_account', 'order_job', 'cancellation',
                                'estimate', 'authorization_link', 'link_use', 'invoice',
                                'credit_note', 'voucher', 'warranty_claim', 'photo', 'feedback',
                                'facility_check'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY own_stores ON %I TO reception '
                       'USING (store_id = ANY ((SELECT stores_in_scope())::text[]))', name);
        EXECUTE format('GRANT SELECT, INSERT ON %I TO reception', name);
    END LOOP;
END
$$;
GRANT UPDATE ON appointment, store_capacity, arrival_queue, visit, repair_order, order_account,
    order_job, estimate, authorization_link, invoice, voucher, warranty_claim TO reception;
GRANT UPDATE (tax_invoice_number, issued_tax_cents) ON credit_note TO reception;
-- Jobs of work that the customer no longer wants are deleted.
GRANT DELETE ON order_job TO reception;

-- The vehicle in all stores of the group (一车一处) -----------------------------------------------

-- These functions are the one way to see rows of other stores. They run as the owner, in a store's
-- name, for one vehicle, and say nothing about any person.
CREATE POLICY group_history ON visit FOR SELECT TO reception_owner USING (true);
CREATE POLICY group_history ON repair_order FOR SELECT TO reception_owner USING (true);
CREATE POLICY group_bookings ON appointment FOR SELECT TO reception_owner USING (true);

-- A vehicle is known by its reference, and by its plate while either side is not identified.
CREATE FUNCTION is_vehicle(of_plate text, of_vehicle text, of_identified boolean,
                           plate text, vehicle text, identified boolean)
    RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN of_vehicle = vehicle OR (of_plate = plate AND NOT (of_identified AND identified));

-- The vehicle's visits (集团到店记录) that were opened, or ended after an estimate, the last first:
-- order ids ascend in time.
CREATE FUNCTION visits_in_group(plate text, vehicle text, identified boolean, most integer)
    RETURNS TABLE (store_id text, order_id text, status text, arrived_at timestamptz,
                   advisor_id text, odometer_km integer, symptoms jsonb, labor_operations jsonb)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = reception, pg_temp
AS $$
    SELECT store_id, order_id, status, arrived_at, advisor_id, odometer_km, symptoms, labor_operations
    FROM visit JOIN repair_order USING (store_id, order_id)
    WHERE require_question(plate, vehicle)
      AND is_vehicle(plate_ref, vehicle_ref, vehicle_identified, plate, vehicle, identified)
      AND (opened_at IS NOT NULL OR status = 'cancelled' AND estimate_count > 0)
    ORDER BY arrived_at DESC, order_id DESC
    LIMIT least(coalesce(most, 0), 100)
$$;

-- The vehicle's visits that have not ended (在店).
CREATE FUNCTION open_visits_in_group(plate text, vehicle text, identified boolean)
    RETURNS TABLE (store_id text, order_id text, status text, queue_number integer,
                   arrived_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = reception, pg_temp
AS $$
    SELECT store_id, order_id, status, queue_number, arrived_at
    FROM visit JOIN repair_order USING (store_id, order_id)
    WHERE require_question(plate, vehicle)
      AND is_vehicle(plate_ref, vehicle_ref, vehicle_identified, plate, vehicle, identified)
      AND status IN ('arrived', 'greeted', 'opened', 'in_progress', 'ready')
    ORDER BY arrived_at
$$;

-- The vehicle that came with a plate last, for one that customer records do not know.
CREATE FUNCTION vehicle_with_plate_in_group(plate text)
    RETURNS text LANGUAGE sql STABLE SECURITY DEFINER SET search_path = reception, pg_temp
AS $$
    SELECT vehicle_ref FROM visit
    WHERE require_question(plate) AND plate_ref = plate
    ORDER BY arrived_at DESC, order_id DESC
    LIMIT 1
$$;

-- The vehicle's last odometer reading, in km.
CREATE FUNCTION odometer_in_group(vehicle text)
    RETURNS integer LANGUAGE sql STABLE SECURITY DEFINER SET search_path = reception, pg_temp
AS $$
    SELECT odometer_km
    FROM visit JOIN repair_order USING (store_id, order_id)
    WHERE require_question(vehicle) AND vehicle_ref = vehicle AND odometer_km IS NOT NULL
    ORDER BY opened_at DESC, order_id DESC
    LIMIT 1
$$;

-- The appointments of a plate that are still to come.
CREATE FUNCTION bookings_in_group(plate text, starts_at timestamptz, ends_at timestamptz)
    RETURNS TABLE (store_id text, appointment_id text, appointment_at timestamptz)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = reception, pg_temp
AS $$
    SELECT store_id, appointment_id, appointment_at
    FROM appointment
    WHERE require_question(plate)
      AND plate_ref = plate AND status = 'booked'
      AND appointment_at >= starts_at AND appointment_at < ends_at
    ORDER BY appointment_at
$$;

REVOKE ALL ON FUNCTION visits_in_group, open_visits_in_group, odometer_in_group, bookings_in_group,
    vehicle_with_plate_in_group FROM PUBLIC;
GRANT EXECUTE ON FUNCTION visits_in_group, open_visits_in_group, odometer_in_group,
    bookings_in_group, vehicle_with_plate_in_group TO reception;
