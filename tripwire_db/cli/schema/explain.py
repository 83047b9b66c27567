"""`tripwire-db explain`: what a flow would do, or did and undid, step by step."""

from typing import Annotated

import typer

from tripwire_db.cli import flow_arguments, options, output, targets
from tripwire_db.errors import InvalidInput

FlowArgument = Annotated[str, typer.Argument(metavar="FLOW", help="A method of the repository, as in complete_lesson.")]
Arguments = Annotated[
    list[str] | None,
    typer.Argument(metavar="KEY=VALUE…", help="Its arguments; people by id or e-mail, lists and numbers as JSON."),
]
Analyze = Annotated[
    bool,
    typer.Option("--analyze", help="Run it in a transaction that is rolled back, and tell each step's rows and time."),
]
Plan = Annotated[bool, typer.Option("--plan", help="With --analyze, print the server's whole plan as well.")]


def explain(
    flow: FlowArgument,
    arguments: Arguments = None,
    analyze: Analyze = False,
    plan: Plan = False,
    database_url: options.DatabaseUrl = None,
    as_json: options.Json = False,
) -> None:
    """Show the plan of a flow, which is not run; with --analyze, run it, tell step by step what it did, and undo it.

    As in: tripwire-db explain complete_lesson user_id=aigerim@example.com lesson_id=67 --analyze. What a call would have
    been refused for stands in the last line. A run locks the student's row for that moment, and uses up numbers of certificates.
    """
    from tripwire_db.engine.database import Database
    from tripwire_db.settings import Settings

    if plan and not analyze:
        raise InvalidInput("--plan goes with --analyze; without, the plan is all that is shown")
    chosen = flow_arguments.function_of(flow)
    with targets.application(database_url) as target:
        value = flow_arguments.flow_of(chosen, arguments or [], target.url)
        # Behind a pooler of the environment's, an embedded server never is.
        pooler = None if target.cluster is not None else Settings.from_env().transaction_pooler
        database = Database(target.url, pool_size=1, transaction_pooler=pooler)
        try:
            found = database.analyze(value, plan=plan) if analyze else database.explain(value)
        finally:
            database.close()
    if isinstance(found, str):
        lines = found.splitlines()
        answer: object = {"flow": value.name, "plan": lines}
    else:
        lines = [*str(found).splitlines(), *found.plan.splitlines()]
        answer = found
    if as_json:
        output.show_json(answer)
        return
    for line in lines:
        output.say(line)
