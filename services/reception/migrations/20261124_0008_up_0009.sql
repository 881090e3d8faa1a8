-- Vouchers (代金券) and service cards (维修卡): redeemed once.
CREATE TABLE voucher (
    store_id       text        NOT NULL,
    voucher_id     text        NOT NULL,
    kind           text        NOT NULL CHECK (kind IN ('voucher', 'service_card')),
    value_cents    bigint      NOT NULL CHECK (value_cents >= 0),
    op_code   text,
    customer_ref   text,
    expires_at     timestamptz NOT NULL,
    issued_by      text        NOT NULL,
    issued_at      timestamptz NOT NULL,
    order_id       text,
    redeemed_cents bigint      NOT NULL DEFAULT 0,
    redeemed_at    timestamptz,
    PRIMARY KEY (store_id, voucher_id)
);
ALTER TABLE voucher ENABLE ROW LEVEL SECURITY;
ALTER TABLE voucher FORCE ROW LEVEL SECURITY;
CREATE POLICY own_stores ON voucher TO reception
    USING (store_id = ANY ((SELECT stores_in_scope())::text[]));
GRANT SELECT, INSERT, UPDATE ON voucher TO reception;
