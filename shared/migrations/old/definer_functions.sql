-- What runs with its owner's rights finds names in the service's schema and nowhere else: the last
-- line_number in the path is stated, or a caller's temporary tables would come first.
DO $$
DECLARE
    definer regprocedure;
BEGIN
    FOR definer IN
        SELECT oid FROM pg_proc WHERE prosecdef AND pronamespace = current_schema()::regnamespace
    LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', definer,
                       current_schema());
    END LOOP;
END
$$;

-- A function that sees other stores' rows asks this first: the caller works for a store, and names
-- what it wants to know.
CREATE FUNCTION require_question(VARIADIC names text[]) RETURNS boolean
    LANGUAGE plpgsql STABLE
AS $$
BEGIN
    IF coalesce(cardinality(stores_in_scope()), 0) = 0 THEN
        RAISE insufficient_privilege USING MESSAGE = 'no store is in scope';
    END IF;
    IF NOT EXISTS (SELECT FROM unnest(names) AS name WHERE name <> '') THEN
        RAISE invalid_parameter_value USING MESSAGE = 'nothing is named to ask about';
    END IF;
    RETURN true;
END
$$;

-- The worker alone may tidy up, and never what is of today or yesterday.
ALTER FUNCTION maintain_partitions(integer, integer) RENAME TO change_partitions;
DO $$
BEGIN
    EXECUTE format('REVOKE ALL ON FUNCTION change_partitions FROM %I',
                   current_schema() || '_worker');
END
$$;
CREATE FUNCTION maintain_partitions(days_ahead integer, days_kept integer) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
AS $$
BEGIN
    IF (days_ahead BETWEEN 1 AND 60 AND days_kept BETWEEN 1 AND 3660) IS NOT TRUE THEN
        RAISE invalid_parameter_value USING MESSAGE = format(
            '1 to 60 days ahead and 1 to 3660 days kept, not %s and %s', days_ahead, days_kept);
    END IF;
    PERFORM change_partitions(days_ahead, days_kept);
END
$$;
ALTER FUNCTION change_partitions(integer, integer) SECURITY INVOKER;
DO $$
BEGIN
    EXECUTE format('ALTER FUNCTION maintain_partitions SET search_path = %I, pg_temp',
                   current_schema());
    EXECUTE 'REVOKE ALL ON FUNCTION maintain_partitions FROM PUBLIC';
    EXECUTE format('GRANT EXECUTE ON FUNCTION maintain_partitions TO %I',
                   current_schema() || '_worker');
END
$$;
