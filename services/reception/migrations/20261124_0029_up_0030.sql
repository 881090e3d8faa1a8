-- What came in from the customer by each method and did not go back: refunds go out the same way.
ALTER TABLE repair_order ADD COLUMN money_by_method jsonb NOT NULL DEFAULT '{}';
-- The list of money held.
CREATE INDEX repair_order_deposit ON repair_order (store_id, arrived_at) WHERE deposit_cents > 0;
