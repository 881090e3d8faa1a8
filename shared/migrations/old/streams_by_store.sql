-- The store is part of a stream's identity: what another store says of a key can neither hide, nor
-- hold up, nor replace the store's own events. The key comes first, to find all stores that have
-- it.
ALTER TABLE stream_position
    DROP CONSTRAINT stream_position_pkey,
    ADD PRIMARY KEY (consumer, topic, key, store_id);
ALTER TABLE parked_event
    DROP CONSTRAINT parked_event_pkey,
    ADD PRIMARY KEY (consumer, topic, key, store_id, sequence);
ALTER TABLE applied_digests
    DROP CONSTRAINT applied_digests_pkey,
    ADD PRIMARY KEY (consumer, topic, key, store_id, first_sequence);
