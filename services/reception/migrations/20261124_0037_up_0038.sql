-- By which message of customer relations a link was sent.
ALTER TABLE authorisation_link ADD COLUMN message_id text;
