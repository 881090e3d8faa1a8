-- Orders and appointments of erased persons (个人信息删除): what they said and drew is emptied, and
-- their photos are deleted.
GRANT UPDATE (comment) ON feedback TO reception;
GRANT UPDATE (note) ON cancellation TO reception;
GRANT DELETE ON photo TO reception;

-- The orders and appointments of one customer.
CREATE INDEX visit_customer ON visit (store_id, customer_ref) WHERE customer_ref IS NOT NULL;
CREATE INDEX appointment_customer ON appointment (store_id, customer_ref)
    WHERE customer_ref IS NOT NULL;
-- What a legal term keeps of an order: its claims.
CREATE INDEX warranty_claim_order ON warranty_claim (store_id, order_id);
