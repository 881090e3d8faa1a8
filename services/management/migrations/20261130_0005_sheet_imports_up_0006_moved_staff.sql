-- A person whom the group moves to another store (调店) becomes the group's record, with all its
-- changes; their reasons are encrypted again, under a key of the group.
GRANT UPDATE (store_id, reason) ON record_change TO management;
