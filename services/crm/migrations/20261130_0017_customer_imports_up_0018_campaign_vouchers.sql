-- Vouchers that come from campaigns (活动发券), and what their redemption costs.

-- cost_cents: of one that is redeemed, until it is reinstated.
CREATE TABLE campaign_voucher (
    store_id    text        NOT NULL,
    voucher_id  text        NOT NULL,
    campaign_id text        NOT NULL,
    issued_at   timestamptz NOT NULL,
    redeemed_at timestamptz,
    cost_cents  bigint      NOT NULL DEFAULT 0,
    PRIMARY KEY (store_id, voucher_id)
);
CREATE INDEX campaign_voucher_campaign ON campaign_voucher (store_id, campaign_id);

ALTER TABLE campaign_voucher ENABLE ROW LEVEL SECURITY;
ALTER TABLE campaign_voucher FORCE ROW LEVEL SECURITY;
CREATE POLICY own_stores ON campaign_voucher TO crm
    USING (store_id = ANY ((SELECT stores_in_scope())::text[]));
GRANT SELECT, INSERT, UPDATE ON campaign_voucher TO crm;
