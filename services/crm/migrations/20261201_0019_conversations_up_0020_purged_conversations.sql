-- Conversations of unknown senders are destroyed at the end of their term (到期销毁).

GRANT DELETE ON conversation, conversation_message TO crm;

-- Those of before get their timers.
ALTER TABLE timer NO FORCE ROW LEVEL SECURITY;
ALTER TABLE conversation NO FORCE ROW LEVEL SECURITY;
INSERT INTO timer (timer_id, store_id, kind, entity_id, due_at, data)
SELECT gen_random_uuid(), store_id, 'purge_conversation', conversation_id,
       latest_at + interval '90 days', '{"correlation_id": "retention"}'
FROM conversation WHERE customer_ref IS NULL;
ALTER TABLE conversation FORCE ROW LEVEL SECURITY;
ALTER TABLE timer FORCE ROW LEVEL SECURITY;
