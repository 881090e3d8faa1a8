-- Who of the colleagues was shown a customer's link, and from where it was used. Networks are
-- keyed hashes of shortened addresses.
ALTER TABLE authorization_link
    ADD COLUMN made_by text,
    ADD COLUMN made_at timestamptz,
    ADD COLUMN sent    boolean NOT NULL DEFAULT false;

CREATE TABLE link_use (
    store_id     text        NOT NULL,
    link_id      text        NOT NULL,
    entry        bigint      GENERATED ALWAYS AS IDENTITY,
    use          text        NOT NULL CHECK (use IN ('shown', 'opened', 'decided')),
    at           timestamptz NOT NULL,
    colleague    text,
    staff_device text,
    device       text,
    network      text,
    own_network  boolean,
    PRIMARY KEY (store_id, link_id, entry),
    FOREIGN KEY (store_id, link_id) REFERENCES authorization_link
);
ALTER TABLE link_use ENABLE ROW LEVEL SECURITY;
ALTER TABLE link_use FORCE ROW LEVEL SECURITY;
CREATE POLICY own_stores ON link_use TO reception
    USING (store_id = ANY ((SELECT stores_in_scope())::text[]));
GRANT SELECT, INSERT ON link_use TO reception;

ALTER TABLE estimate ADD COLUMN link_consent jsonb;
