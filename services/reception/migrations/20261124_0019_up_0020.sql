-- The time for which the workshop says that the vehicle can be promised, handover included.
ALTER TABLE order_job RENAME COLUMN planned_finish_at TO promisable_at;

-- Free time that does not say what may be promised; the workshop publishes it again.
TRUNCATE store_capacity;
