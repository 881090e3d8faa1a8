-- Campaigns (营销活动) with their customers and costs.

-- Customers consent to marketing apart from contacts by the sales department.
ALTER TABLE consent DROP CONSTRAINT consent_purpose_check;
ALTER TABLE consent ADD CONSTRAINT consent_purpose_check
    CHECK (purpose IN ('sales_contact', 'marketing'));

-- Whether a customer consents to a purpose; absent where nothing was said. What merged records have
-- refused counts until the customer says something else.
CREATE FUNCTION said_consent(of_store text, reference text, asked text) RETURNS boolean
    LANGUAGE sql STABLE
    RETURN (SELECT is_given FROM consent
            WHERE store_id = of_store AND purpose = asked
              AND customer_ref = ANY (references_of(of_store, reference))
            ORDER BY coalesce(customer_ref = read_as(of_store, reference) AND changed_at > (
                         SELECT max(merged_at) FROM present_alias
                         WHERE store_id = of_store
                           AND customer_ref = read_as(of_store, reference)), false) DESC,
                     is_given, changed_at DESC
            LIMIT 1);

-- Campaigns from their plan to their end. segment: the criteria by which customers are chosen.
-- control_bp: the share that is held back. price_limits: what the manufacturer allows.
CREATE TABLE campaign (
    store_id            text        NOT NULL,
    campaign_id         text        NOT NULL,
    title               text        NOT NULL,
    origin              text        NOT NULL CHECK (origin IN ('manufacturer', 'store')),
    reason              text        NOT NULL,
    begins_on           date        NOT NULL,
    ends_on             date        NOT NULL,
    segment             jsonb       NOT NULL,
    control_bp          integer     NOT NULL CHECK (control_bp BETWEEN 0 AND 5000),
    invite_by           text        NOT NULL CHECK (invite_by IN ('message', 'call')),
    waves               smallint    NOT NULL CHECK (waves > 0),
    days_between_waves  smallint    NOT NULL CHECK (days_between_waves > 0),
    price_limits        jsonb       NOT NULL,
    rebate_target_cents bigint,
    planned_cost_cents  bigint      NOT NULL,
    planned_by          text        NOT NULL,
    planned_at          timestamptz NOT NULL,
    status              text        NOT NULL
        CHECK (status IN ('draft', 'scheduled', 'running', 'ended', 'cancelled')),
    started_by          text,
    started_at          timestamptz,
    ended_by            text,
    ended_at            timestamptz,
    PRIMARY KEY (store_id, campaign_id),
    CHECK (begins_on <= ends_on)
);
-- The list, the latest first, and those that run.
CREATE INDEX campaign_listed ON campaign (store_id, begins_on DESC, campaign_id);
CREATE INDEX campaign_running ON campaign (store_id, campaign_id) WHERE status = 'running';

-- Customers of campaigns, of whom those without a wave are held back for comparison.
CREATE TABLE campaign_invitation (
    store_id       text        NOT NULL,
    campaign_id    text        NOT NULL,
    invitation_id  text        NOT NULL,
    customer_ref   text        NOT NULL,
    tier           text        CHECK (tier IN ('gold', 'silver', 'bronze')),
    wave           smallint,
    state          text        NOT NULL
        CHECK (state IN ('control', 'waiting', 'invited', 'skipped')),
    channel        text        CHECK (channel IN ('message', 'call')),
    invited_at     timestamptz,
    skip_cause     text,
    answer         text        CHECK (answer IN ('booked', 'came', 'declined', 'no_answer')),
    answered_at    timestamptz,
    answered_by    text,
    appointment_id text,
    order_id       text,
    PRIMARY KEY (store_id, invitation_id),
    UNIQUE (store_id, campaign_id, customer_ref),
    FOREIGN KEY (store_id, campaign_id) REFERENCES campaign
);
-- The waves that are still to be invited, loyal customers first.
CREATE INDEX campaign_invitation_waiting
    ON campaign_invitation (store_id, campaign_id, wave, tier_rank(tier), invitation_id)
    WHERE state = 'waiting';
-- The list of a campaign's customers, and the invitations of a customer.
CREATE INDEX campaign_invitation_listed
    ON campaign_invitation (store_id, campaign_id, tier_rank(tier), invitation_id);
CREATE INDEX campaign_invitation_customer ON campaign_invitation (store_id, customer_ref);

-- What a campaign has cost.
CREATE TABLE campaign_cost (
    store_id     text        NOT NULL,
    cost_id      text        NOT NULL,
    campaign_id  text        NOT NULL,
    kind         text        NOT NULL,
    amount_cents bigint      NOT NULL CHECK (amount_cents > 0),
    spent_on     date        NOT NULL,
    recorded_by  text        NOT NULL,
    recorded_at  timestamptz NOT NULL,
    PRIMARY KEY (store_id, cost_id),
    FOREIGN KEY (store_id, campaign_id) REFERENCES campaign
);
CREATE INDEX campaign_cost_campaign ON campaign_cost (store_id, campaign_id);

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['campaign', 'campaign_invitation', 'campaign_cost'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY own_stores ON %I TO crm '
                       'USING (store_id = ANY ((SELECT stores_in_scope())::text[]))', name);
        EXECUTE format('GRANT SELECT, INSERT ON %I TO crm', name);
    END LOOP;
END
$$;
GRANT UPDATE ON campaign, campaign_invitation TO crm;
