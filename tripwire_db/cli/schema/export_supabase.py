"""`tripwire-db export-supabase`: the chain as files for `supabase db push`."""

from pathlib import Path
from typing import Annotated

import typer

from tripwire_db.cli import options, output
from tripwire_db.cli.errors import FOUND


def export_supabase(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder that holds supabase/.")],
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 where a file is missing or differs, for CI.")
    ] = False,
    plain_indexes: Annotated[
        bool,
        typer.Option("--plain-indexes", help="No CONCURRENTLY, for a CLI before 2.122.1; writers wait meanwhile."),
    ] = False,
    as_json: options.Json = False,
) -> None:
    """Write each revision as DIR/supabase/migrations/REVISION_TITLE.sql, for `supabase db push`.

    Files of other versions are left alone. Exit codes: 0 good, 1 `--check` found a difference, 2 wrong use.
    """
    from tripwire_db.schema.export import compare, export

    found = (compare if check else export)(folder, plain_indexes=plain_indexes)
    if as_json:
        output.show_json(found)
    else:
        for word, names in (
            ("missing" if check else "written", found.missing),
            ("differs" if check else "written again", found.changed),
            ("has a revision's version under another name", found.extra),
        ):
            for name in names:
                output.say(f"{name}: {word}")
        right = len(found.same) if check else len((*found.same, *found.missing, *found.changed))
        output.say(f"{right} {'file is' if right == 1 else 'files are'} as the chain says")
    if check and found.differs:
        if not as_json:
            output.note("run tripwire-db export-supabase without --check, and commit what it writes")
        raise typer.Exit(FOUND)
