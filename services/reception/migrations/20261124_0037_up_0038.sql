-- By which message of customer relations a link was sent.
ALTER TABLE authorization_link ADD COLUMN message_id text;
