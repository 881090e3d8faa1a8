-- Calls that reached nobody are counted, and made again.
ALTER TABLE follow_up ADD COLUMN attempts smallint NOT NULL DEFAULT 0;
ALTER TABLE message ADD COLUMN calls smallint NOT NULL DEFAULT 0;
