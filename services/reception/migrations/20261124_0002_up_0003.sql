-- Details of a customer taken while customer relations was away, encrypted until they move there.
ALTER TABLE repair_order ADD COLUMN customer_details bytea;
