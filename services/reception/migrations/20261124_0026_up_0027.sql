-- Jobs of work that the customer does not want any more are forgotten.
GRANT DELETE ON order_job TO reception;
