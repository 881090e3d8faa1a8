-- The tax of a tax invoice or its correction as it was issued, which may differ from the invoice's.
ALTER TABLE invoice ADD COLUMN issued_tax_cents bigint;
ALTER TABLE credit_note ADD COLUMN issued_tax_cents bigint;
GRANT UPDATE (issued_tax_cents) ON credit_note TO reception;
