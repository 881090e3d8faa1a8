-- Vouchers are found by the invoice with which they were redeemed, to be reinstated with its
-- correction.
CREATE INDEX voucher_order ON voucher (store_id, order_id) WHERE order_id IS NOT NULL;

-- The number of the document that corrects the tax invoice (红字发票), once there is one.
ALTER TABLE credit_note ADD COLUMN tax_invoice_number text;
GRANT UPDATE (tax_invoice_number) ON credit_note TO reception;
