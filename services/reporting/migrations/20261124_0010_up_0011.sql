-- Of what is credited, what the store would have received: not what it pays itself.
ALTER TABLE credit_note_fact ADD COLUMN receivable_cents bigint NOT NULL DEFAULT 0;
UPDATE credit_note_fact SET receivable_cents = amount_cents;
