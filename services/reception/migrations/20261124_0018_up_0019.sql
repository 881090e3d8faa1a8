-- How many versions an order's estimate has: another one makes another version of the order.
ALTER TABLE repair_order ADD COLUMN estimate_count integer NOT NULL DEFAULT 0;
UPDATE repair_order AS visit SET estimate_count = known.versions
FROM (SELECT store_id, order_id, count(*) AS versions FROM estimate GROUP BY store_id, order_id)
  AS known
WHERE (visit.store_id, visit.order_id) = (known.store_id, known.order_id);
