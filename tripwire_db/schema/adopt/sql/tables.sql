-- What adopting leaves behind, outside the chain and outside drift.
CREATE TABLE tripwire.quarantine (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_quarantine PRIMARY KEY,
    table_name text NOT NULL,
    key text,
    reason text NOT NULL,
    row jsonb NOT NULL,
    moved_at timestamptz DEFAULT now() NOT NULL
);
COMMENT ON TABLE tripwire.quarantine IS
    'Whole rows that no mending could bring into the layout, moved here by tripwire-db adopt, each with its reason.';

-- Its name keeps it beside the quarantine: drift leaves out what begins so.
CREATE TABLE tripwire.quarantined_values (
    id bigint GENERATED ALWAYS AS IDENTITY CONSTRAINT pk_quarantined_values PRIMARY KEY,
    table_name text NOT NULL,
    key text NOT NULL,
    column_name text NOT NULL,
    was text,
    became text,
    reason text NOT NULL,
    changed_at timestamptz DEFAULT now() NOT NULL
);
COMMENT ON TABLE tripwire.quarantined_values IS
    'Values that tripwire-db adopt changed in rows that stayed, as they were.';

CREATE TABLE tripwire.adopted_extras (
    kind text NOT NULL,
    name text NOT NULL,
    adopted_at timestamptz DEFAULT now() NOT NULL,
    CONSTRAINT pk_adopted_extras PRIMARY KEY (kind, name)
);
COMMENT ON TABLE tripwire.adopted_extras IS
    'Objects beside v2 that tripwire-db adopt found and left in peace; tripwire-db drift does not report them.';

REVOKE ALL ON TABLE tripwire.quarantine, tripwire.quarantined_values, tripwire.adopted_extras
    FROM PUBLIC, anon, authenticated, service_role;
