"""`tripwire-db smoke`: does everything work, on the real target?"""

from typing import TYPE_CHECKING, Annotated

import typer

from tripwire_db.cli import options, output, targets

if TYPE_CHECKING:
    from tripwire_db.operate import Step

NoSignIn = Annotated[
    bool, typer.Option("--no-sign-in", help="Leave out signing in, where nobody does so with a password.")
]


def smoke(
    no_sign_in: NoSignIn = False, database_url: options.DatabaseUrl = None, as_json: options.Json = False
) -> None:
    """Let a marked test student and manager live the whole story on this database, and remove everything of theirs.

    Sale, three lessons, certificate, reports, deletion, each step with its time; where the environment names a Supabase
    project, by its Auth and PostgREST too. Nothing of it stays, not even in the log; what a killed run left is removed
    by the next one. Example: `tripwire-db smoke` after each deployment.

    The exit code is 1 where a step goes wrong: the message says which, and how.
    """
    from tripwire_db.operate import smoke as run

    def show(step: "Step") -> None:
        if not as_json:
            output.say(f"{step.name:<45}{step.seconds * 1000:.1f} ms")

    with targets.application(database_url) as target:
        steps = run(targets.environment_of(target), sign_in=not no_sign_in, on_step=show)
    if as_json:
        output.show_json({"steps": steps, "seconds": sum(step.seconds for step in steps)})
    else:
        output.say(f"Good: {len(steps)} steps in {sum(step.seconds for step in steps):.1f} s, and nothing is left.")
