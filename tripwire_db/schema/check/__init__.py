"""`tripwire-db check`: proves that a chain of revisions is safe, reversible and true to the models. For CI.

Everything is tried on a scratch server of its own; no database of yours is touched or needed.
"""

import subprocess
from pathlib import Path

from tripwire_db.errors import InvalidInput
from tripwire_db.schema.check import (
    access_rules,
    catalog_rules,
    function_rules,
    losses,
    platform_rules,
    release_rules,
    server_rules,
    source_rules,
    squawk,
    statement_rules,
    structure,
    traced_rules,
)
from tripwire_db.schema.check.chain import Chain, Revision, opened
from tripwire_db.schema.check.climb import climb
from tripwire_db.schema.check.described import described
from tripwire_db.schema.check.findings import Finding, Report, sorted_findings
from tripwire_db.schema.check.formats import render
from tripwire_db.schema.check.run import Run, one_line, shown
from tripwire_db.schema.project import COURSE, Project

__all__ = ["RULES", "Finding", "Report", "check", "render"]

RULES = {
    "one-head": "The chain has one head.",
    "name": "A revision's file is named <UTC time, 14 digits>_<slug>.py, its id is that time, and times rise.",
    "docstring": "A revision's docstring says why.",
    "offline": "A revision can be rendered as SQL, up and down.",
    "round-trip": "Up, down and up again, with rows in all tables: catalog, rows, sequences and settings are what they were.",
    "models": "The chain makes what the models say.",
    "function-fails": "Every aggregation answers on the scratch server.",
    **losses.RULES,
    **source_rules.RULES,
    **statement_rules.RULES,
    **traced_rules.RULES,
    **catalog_rules.RULES,
    **function_rules.RULES,
    **access_rules.RULES,
    **server_rules.RULES,
    **platform_rules.RULES,
    **release_rules.RULES,
    **structure.RULES,
}

HOUSE_RULES = frozenset(
    "name docstring offline imports if-not-exists cascade trigger repeatable-data network table-without-rls definer-in-public "
    "grant-to-anon undeclared-loss api-roles open-policy view-around-policies auth-schema unlogged-or-inherited "
    "publication function-traits shadows-built-in function-around-policies one-signature elsewhere".split()
)
"""Rules that a project switches on by name, if it has them too: how this one names, writes and guards things."""

_PLACEHOLDER = "say here why"
"""What the template for revisions leaves to be filled in."""


def check(folder: Path | None = None, *, new_since: str | None = None, project: Project | None = None) -> Report:
    """Check a chain.

    The baseline of a project, in the course its first revision, is taken as it is: what lint says of it is not asked.

    Args:
        folder: of env.py and versions/; by default the project's, else ./alembic, else the chain of this package.
        new_since: a revision's id, or a git revision: only what came after it can be found fault with.
        project: what the chain is held to; by default what `[tool.tripwire-db]` of the nearest pyproject.toml describes,
            else the course.

    Raises:
        InvalidInput: there is no chain, or `new_since` is neither.
        Unavailable: no scratch server can be started.

    Examples:
        >>> check().findings
        ()
    """
    own = described(rules=frozenset(RULES), house=HOUSE_RULES) if project is None else None
    if project is None:
        project = own.project if own else COURSE
    with opened(folder or _folder_of(project), *([own.root] if own else []), project=project) as chain:
        return _report(chain, project, new_since)


def _report(chain: Chain, project: Project, new_since: str | None) -> Report:
    revisions = chain.revisions
    if not revisions:
        raise InvalidInput(f"there is no revision in {chain.folder}")
    run = Run(chain, project, _judged(chain, new_since))
    _names(run)
    heads = chain.directory.get_heads()
    if len(heads) > 1:
        for revision in revisions:
            if revision.id in heads:
                message = (
                    f"{len(heads)} heads: {', '.join(sorted(heads))}; rebase one, or merge them (alembic merge heads)"
                )
                run.found(revision, "one-head", message, "revision =")
    if not any(finding.rule == "one-head" for finding in run.findings):
        _texts(run)
        climb(run)
    return Report(
        chain=shown(chain.folder),
        revisions=len(revisions),
        findings=sorted_findings(run.findings),
        accepted=tuple(sorted(set(run.accepted))),
        notes=tuple(run.notes),
        skipped=tuple(run.skipped),
        releases=tuple(run.releases),
    )


def _folder_of(project: Project) -> Path:
    here = Path.cwd() / "alembic"
    if project.folder is None or (project is COURSE and (here / "env.py").is_file()):
        return here
    return project.folder()


def _judged(chain: Chain, new_since: str | None) -> frozenset[str]:
    ids = [revision.id for revision in chain.revisions]
    if new_since is None:
        return frozenset(ids)
    if new_since in ids:
        return frozenset(ids[ids.index(new_since) + 1 :])
    done = subprocess.run(
        ["git", "diff", "--name-only", "--relative", new_since, "--", "."],
        cwd=chain.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise InvalidInput(f"--new-since: {new_since} is no revision of the chain, and none that git knows here")
    untracked = subprocess.run(
        ["git", "ls-files", "--others", "--exclude-standard", "."],
        cwd=chain.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    changed = {(chain.folder / name).resolve() for name in (done.stdout + untracked.stdout).splitlines()}
    return frozenset(
        revision.id
        for revision in chain.revisions
        if changed & {path.resolve() for path in (revision.path, *revision.sql_files)}
    )


def _names(run: Run) -> None:
    for revision in run.chain.revisions:
        if not run.project.timed_revisions:
            pass  # named in Alembic's own way
        elif not run.chain.has_good_name(revision):
            message = f"{revision.path.name} (id {revision.id}): name it <UTC time, 14 digits>_<slug>.py, and the id that time"
            run.found(revision, "name", message, "revision =")
        elif later := [parent for parent in revision.parents if parent > revision.id]:
            run.found(revision, "name", f"it follows {later[0]}, which is later", "down_revision")
        told = (revision.script.module.__doc__ or "").strip()
        if not told or _PLACEHOLDER in told:
            run.found(revision, "docstring", "say in the docstring why this revision is", "revision =")


def _texts(run: Run) -> None:
    """Lint each revision's text by itself."""
    run.found_all(run.chain.revisions[0], source_rules.judge_env(run.chain))
    program = squawk.squawk_program()
    if program is None:
        run.skipped.append("squawk is not installed: pip install 'squawk-cli'")
    for revision in run.chain.revisions:
        run.found_all(revision, source_rules.judge(revision, run.project))
        try:
            text = run.chain.offline(revision)
            if run.asks("round-trip"):
                run.chain.offline(revision, down=True)
        except Exception as error:  # noqa: BLE001 - whatever a revision raises is the finding
            if not run.asks("offline"):
                run.skipped.append(f"squawk did not see {revision.id}, which cannot be rendered as SQL")
            run.found(revision, "offline", f"cannot be rendered as SQL: {one_line(error)}", *_line(revision, error))
            continue
        if program is not None and revision.id != run.project.baseline:
            run.found_all(revision, squawk.squawk(program, squawk.own_sql(text)))


def _line(revision: Revision, error: BaseException) -> tuple[int, ...]:
    line = revision.line_of(error)
    return () if line is None else (line,)
