-- A caller's idempotency key stands for one command, whatever store that was for: each caller finds
-- their own keys, and those alone, beyond the store in scope.
DO $$
BEGIN
    EXECUTE format('CREATE POLICY own_keys ON idempotency FOR SELECT TO %I '
                   'USING (principal = (SELECT current_setting(''app.caller'', true)))',
                   current_schema());
END
$$;
