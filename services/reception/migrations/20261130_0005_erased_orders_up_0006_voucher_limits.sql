-- Gifts (精品) beside vouchers and service cards, what vouchers come from, and their limits.

ALTER TABLE voucher DROP CONSTRAINT voucher_kind_check;
ALTER TABLE voucher
    ADD CONSTRAINT voucher_kind_check CHECK (kind IN ('voucher', 'service_card', 'gift')),
    ADD COLUMN item_code   text,
    ADD COLUMN vehicle_ref text,
    ADD COLUMN source      text NOT NULL DEFAULT 'other'
        CHECK (source IN ('campaign', 'loyalty', 'other')),
    ADD COLUMN campaign_id text,
    ADD COLUMN cost_cents  bigint NOT NULL DEFAULT 0;

-- What was issued in a month, by which limits are kept, and the lists.
CREATE INDEX voucher_issued ON voucher (store_id, issued_at, voucher_id);
CREATE INDEX voucher_customer ON voucher (store_id, customer_ref, issued_at);
CREATE INDEX voucher_redeemed ON voucher (store_id, redeemed_at) WHERE redeemed_at IS NOT NULL;
