-- Details of a customer taken while customer relations was unavailable, encrypted until they move
-- there.
ALTER TABLE repair_order ADD COLUMN customer_details bytea;

-- Where the workshop has planned the jobs of an order whose promise is provisional: job -> finish.
ALTER TABLE repair_order ADD COLUMN planned_finishes jsonb NOT NULL DEFAULT '{}';
