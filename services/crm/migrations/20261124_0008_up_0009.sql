-- What an agent tells by phone has no link any more.
UPDATE message SET link = NULL WHERE state NOT IN ('waiting', 'sending');
