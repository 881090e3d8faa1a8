-- The order's promise if the customer agrees, as the message with the link tells it.
ALTER TABLE authorization_link ADD COLUMN promised_at timestamptz;
