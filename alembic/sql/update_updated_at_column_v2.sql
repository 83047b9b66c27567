-- The time of the change itself, so that two changes in one transaction differ; nobody's search_path is trusted.
CREATE OR REPLACE FUNCTION public.update_updated_at_column() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = ''
    AS $$
BEGIN
    NEW.updated_at = pg_catalog.clock_timestamp();
    RETURN NEW;
END;
$$
