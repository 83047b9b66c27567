"""Keep the course as data, and certificates as rows of their own.

In v2 the course was a list of numbers inside CHECKs, so a lesson could be reported under another module, and the
duration was whatever a client said. A certificate was a flag and a URL, and its number changed each time it was
issued again.

Titles and durations belong to the course's owner from here on: the rows are inserted once, and no later revision
touches them.

Revision: 20261103090000
Follows: 20261102090000
"""

from revision_tools import Loss, execute, refuse_loss

revision = "20261103090000"
down_revision = "20261102090000"
branch_labels = None
depends_on = None

LOSSES = (
    Loss("certificates", "FROM public.certificates"),
    Loss(
        "counter of certificate numbers (numbers would be given twice)",
        "FROM tripwire.certificate_number_seq WHERE is_called",
    ),
    Loss(
        "modules that are not as they came",
        """FROM public.modules
        WHERE (id, position, title, archived) NOT IN (
            (16, 1, 'Module 1', false), (17, 2, 'Module 2', false), (18, 3, 'Module 3', false)
        )""",
    ),
    Loss(
        "lessons that are not as they came",
        """FROM public.lessons
        WHERE (id, module_id, title, duration_seconds, archived) NOT IN (
            (67, 16, 'Lesson 1', 1800, false), (68, 17, 'Lesson 2', 1800, false), (69, 18, 'Lesson 3', 1800, false)
        )""",
    ),
)


def upgrade() -> None:
    execute(
        """
        CREATE TABLE public.modules (
            id integer NOT NULL,
            position integer NOT NULL,
            title text NOT NULL,
            archived boolean DEFAULT false NOT NULL,
            created_at timestamptz DEFAULT now() NOT NULL,
            updated_at timestamptz DEFAULT now() NOT NULL,
            CONSTRAINT pk_modules PRIMARY KEY (id)
        );

        CREATE TABLE public.lessons (
            id integer NOT NULL,
            module_id integer NOT NULL,
            title text NOT NULL,
            duration_seconds integer DEFAULT 1800 NOT NULL,
            archived boolean DEFAULT false NOT NULL,
            created_at timestamptz DEFAULT now() NOT NULL,
            updated_at timestamptz DEFAULT now() NOT NULL,
            CONSTRAINT pk_lessons PRIMARY KEY (id),
            CONSTRAINT uq_lessons_module_id_id UNIQUE (module_id, id),
            CONSTRAINT ck_lessons_duration_seconds CHECK (duration_seconds > 0),
            CONSTRAINT fk_lessons_module_id FOREIGN KEY (module_id) REFERENCES public.modules (id)
        );
        CREATE UNIQUE INDEX uq_lessons_module_id_current ON public.lessons (module_id) WHERE NOT archived;
        COMMENT ON INDEX public.uq_lessons_module_id_current IS
            'one lesson per module that is not archived; unlock_next_module: the lesson of a module';

        INSERT INTO public.modules (id, position, title) VALUES
            (16, 1, 'Module 1'), (17, 2, 'Module 2'), (18, 3, 'Module 3');
        INSERT INTO public.lessons (id, module_id, title) VALUES
            (67, 16, 'Lesson 1'), (68, 17, 'Lesson 2'), (69, 18, 'Lesson 3');
        """
    )
    execute(
        """
        CREATE SEQUENCE tripwire.certificate_number_seq START WITH 100001;

        CREATE TABLE public.certificates (
            id uuid DEFAULT gen_random_uuid() NOT NULL,
            user_id uuid NOT NULL,
            number text DEFAULT 'TW-' || nextval('tripwire.certificate_number_seq'::regclass)::text NOT NULL,
            verification_code text
                DEFAULT replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', '') NOT NULL,
            url text NOT NULL,
            full_name text NOT NULL,
            issued_at timestamptz DEFAULT now() NOT NULL,
            revoked_at timestamptz,
            revoked_reason text,
            created_at timestamptz DEFAULT now() NOT NULL,
            updated_at timestamptz DEFAULT now() NOT NULL,
            CONSTRAINT pk_certificates PRIMARY KEY (id),
            CONSTRAINT uq_certificates_number UNIQUE (number),
            CONSTRAINT uq_certificates_verification_code UNIQUE (verification_code),
            CONSTRAINT ck_certificates_verification_code CHECK (length(verification_code) >= 32),
            CONSTRAINT ck_certificates_revoked CHECK ((revoked_at IS NULL) = (revoked_reason IS NULL)),
            CONSTRAINT fk_certificates_user_id FOREIGN KEY (user_id) REFERENCES auth.users (id) ON DELETE CASCADE
        );
        CREATE INDEX idx_certificates_user_id ON public.certificates (user_id, issued_at DESC);
        COMMENT ON INDEX public.idx_certificates_user_id IS
            'the foreign key to auth.users; revoke_certificate: the newest of a student';
        CREATE UNIQUE INDEX uq_certificates_user_id_valid ON public.certificates (user_id) WHERE revoked_at IS NULL;
        COMMENT ON INDEX public.uq_certificates_user_id_valid IS
            'one valid certificate per student; get_student, issue_certificate';
        """
    )
    # Supabase's older default privileges give new objects to the API roles; these are the backend's alone until
    # policies say who sees what.
    execute(
        """
        ALTER TABLE public.modules ENABLE ROW LEVEL SECURITY;
        ALTER TABLE public.lessons ENABLE ROW LEVEL SECURITY;
        ALTER TABLE public.certificates ENABLE ROW LEVEL SECURITY;

        REVOKE ALL ON TABLE public.modules, public.lessons, public.certificates
            FROM PUBLIC, anon, authenticated, service_role;
        REVOKE ALL ON SEQUENCE tripwire.certificate_number_seq FROM PUBLIC, anon, authenticated, service_role;
        GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE public.modules, public.lessons, public.certificates
            TO service_role;
        GRANT USAGE ON SCHEMA tripwire TO service_role;
        GRANT USAGE, SELECT ON SEQUENCE tripwire.certificate_number_seq TO service_role;
        """
    )


def downgrade() -> None:
    refuse_loss(LOSSES)
    execute(
        """
        REVOKE USAGE ON SCHEMA tripwire FROM service_role;
        DROP TABLE public.certificates;
        DROP SEQUENCE tripwire.certificate_number_seq;
        DROP TABLE public.lessons;
        DROP TABLE public.modules;
        """
    )
