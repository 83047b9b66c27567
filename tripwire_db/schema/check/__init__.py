"""`tripwire-db check`: proves that a chain of revisions is safe, reversible and true to the models. For CI.

Everything is tried on a scratch server of its own; no database of yours is touched or needed.
"""

import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from tripwire_db.embedded import scratch_cluster
from tripwire_db.errors import InvalidInput
from tripwire_db.postgres.catalog import Catalog
from tripwire_db.postgres.connect import connect
from tripwire_db.schema.check import access_rules, catalog_rules, platform_rules, text_rules
from tripwire_db.schema.check.api import api_notes
from tripwire_db.schema.check.chain import Chain, Revision, opened
from tripwire_db.schema.check.described import described
from tripwire_db.schema.check.dump import difference, dump
from tripwire_db.schema.check.findings import Finding, Note, Report, render, sorted_findings
from tripwire_db.schema.check.models import disagreements
from tripwire_db.schema.check.rows import rows
from tripwire_db.schema.project import COURSE, Project

__all__ = ["RULES", "Finding", "Report", "check", "render"]

RULES = {
    "one-head": "The chain has one head.",
    "name": "A revision's file is named <UTC time, 14 digits>_<slug>.py, its id is that time, and times rise.",
    "docstring": "A revision's docstring says why.",
    "offline": "A revision can be rendered as SQL, up and down.",
    "round-trip": "Up, down and up again, with rows in all tables: the catalog is what it was, and the rows are kept.",
    "models": "The chain makes what the models say.",
    "function-fails": "Every aggregation answers on the scratch server.",
    **text_rules.RULES,
    **catalog_rules.RULES,
    **access_rules.RULES,
    **platform_rules.RULES,
}

_MESSAGE_LENGTH = 600
_PLACEHOLDER = "say here why"
"""What the template for revisions leaves to be filled in."""


@dataclass
class _Run:
    chain: Chain
    project: Project
    judged: frozenset[str]
    findings: list[Finding] = field(default_factory=list)
    accepted: list[tuple[Finding, str]] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    def found(self, revision: Revision, rule: str, message: str, *fragments: str) -> None:
        # That head and models disagree may be the models' doing, so it is never an old revision's old fault.
        if revision.id not in self.judged and rule not in ("models", "function-fails"):
            return
        if rule in self.project.rules_off:
            return
        path, line = revision.place_of(*fragments)
        finding = Finding(_shown(path), line, rule, message, revision.id)
        accepted = {known.rule: known.reason for known in self.project.accepted if known.revision == revision.id}
        if reason := revision.reasons.get(rule) or accepted.get(rule):
            self.accepted.append((finding, reason))
        else:
            self.findings.append(finding)

    def found_all(self, revision: Revision, told: Iterable[tuple[str, str, str]]) -> None:
        for rule, message, fragment in told:
            self.found(revision, rule, message, fragment)


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
    own = described(rules=frozenset(RULES)) if project is None else None
    if project is None:
        project = own.project if own else COURSE
    with opened(folder or _folder_of(project), *([own.root] if own else [])) as chain:
        return _report(chain, project, new_since)


def _report(chain: Chain, project: Project, new_since: str | None) -> Report:
    revisions = chain.revisions
    if not revisions:
        raise InvalidInput(f"there is no revision in {chain.folder}")
    run = _Run(chain, project, _judged(chain, new_since))
    _names(run)
    heads = chain.directory.get_heads()
    if len(heads) > 1:
        for head in heads:
            revision = next(revision for revision in revisions if revision.id == head)
            run.findings.append(
                Finding(
                    _shown(revision.path), 1, "one-head", f"{len(heads)} heads: {', '.join(heads)}; rebase one", head
                )
            )
    else:
        offline = _texts(run)
        _climb(run, offline)
    return Report(
        chain=_shown(chain.folder),
        revisions=len(revisions),
        findings=sorted_findings(run.findings),
        accepted=tuple(sorted(set(run.accepted))),
        notes=tuple(run.notes),
        skipped=tuple(run.skipped),
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


def _names(run: _Run) -> None:
    for revision in run.chain.revisions:
        if not run.project.timed_revisions:
            pass  # named in Alembic's own way
        elif not run.chain.has_good_name(revision):
            message = f"{revision.path.name} (id {revision.id}): name it <UTC time, 14 digits>_<slug>.py, and the id that time"
            run.found(revision, "name", message, "revision =")
        elif revision.down and revision.down > revision.id:
            run.found(revision, "name", f"it follows {revision.down}, which is later", "down_revision")
        told = (revision.script.module.__doc__ or "").strip()
        if not told or _PLACEHOLDER in told:
            run.found(revision, "docstring", "say in the docstring why this revision is", "revision =")


def _texts(run: _Run) -> dict[str, str]:
    """Lint each revision's SQL by itself."""
    offline: dict[str, str] = {}
    squawk = text_rules.squawk_program()
    if squawk is None:
        run.skipped.append("squawk is not installed: pip install 'squawk-cli'")
    for revision in run.chain.revisions:
        try:
            offline[revision.id] = run.chain.offline(revision)
            run.chain.offline(revision, down=True)
        except Exception as error:  # noqa: BLE001 - whatever a revision raises is the finding
            run.found(revision, "offline", f"cannot be rendered as SQL: {_one_line(error)}")
            continue
        if revision.id == run.project.baseline:
            continue
        run.found_all(revision, text_rules.lint(revision, offline[revision.id]))
        if squawk is not None:
            run.found_all(revision, text_rules.squawk(squawk, text_rules.own_sql(offline[revision.id])))
    return offline


def _climb(run: _Run, offline: dict[str, str]) -> None:
    """Go up revision by revision on a scratch server; down and up again at each."""
    with scratch_cluster() as cluster:
        url = cluster.create_database("chain")
        run.project.ready(url)
        before, dumped = _catalog(run, url), _dump(run, url)
        made_by: dict[str, Revision] = {}
        for revision in run.chain.revisions:
            try:
                after, dumped = _round_trip(run, revision, url, dumped)
            except Exception as error:  # noqa: BLE001 - whatever a revision raises is the finding
                run.found(revision, "round-trip", f"fails: {_one_line(error)}", _failing_line(error))
                return
            if revision.id != run.project.baseline:
                told = catalog_rules.judge(revision, before, after, offline.get(revision.id, ""), run.project)
                run.found_all(revision, told)
                run.found_all(revision, access_rules.judge(before, after, run.project))
                run.found_all(revision, catalog_rules.judge_downgrade(revision, after, before, run.project))
            if revision.id != run.project.baseline and revision.id in run.judged:
                api = api_notes(before, after, run.project)
                run.notes += [Note(revision.id, "access", text) for text in catalog_rules.access_notes(before, after)]
                run.notes += [Note(revision.id, "api", text) for text in api]
            made_by.update({key.name: revision for key in {*after} - {*before} if key.kind != "grant"})
            before = after
        for blamed, rule, message, fragment in platform_rules.judge(run.chain, run.project, before, made_by):
            run.found(blamed, rule, message, fragment)
        head = run.chain.revisions[-1]
        if run.project.metadata is not None:
            from_models = cluster.create_database("models")
            run.project.ready(from_models)
            for key, message in disagreements(from_models, before, run.project):
                run.found(head, "models", message, key.name.rpartition(".")[2])
        with _scratch(url) as connection:
            connection.read_only = True
            for signature, said in run.project.failing_functions(connection):
                run.found(head, "function-fails", f"{signature} fails: {said}", signature.partition("(")[0])


def _round_trip(run: _Run, revision: Revision, url: str, dump_below: str) -> tuple[Catalog, str]:
    """One revision up, down and up again; give the catalog above it, and its dump."""
    below = revision.down or "base"
    rows_below = _rows(run, url)
    run.chain.upgrade(url, revision.id)
    dump_above = _dump(run, url)
    run.chain.downgrade(url, below)
    if changed := difference(dump_below, _without_version_schema(run, _dump(run, url), dump_below)):
        message = f"the downgrade leaves something else than was there:\n{_cut(changed)}"
        run.found(revision, "round-trip", message, "def downgrade")
    if not revision.declares_losses:
        kept = _rows(run, url)
        for table in sorted(table for table, before in rows_below.items() if kept.get(table) != before):
            message = f"up and down again changes rows of {table}: keep them, or declare the loss (LOSSES)"
            run.found(revision, "round-trip", message, "def downgrade")
    run.chain.upgrade(url, revision.id)
    if changed := difference(dump_above, _dump(run, url)):
        message = f"a second upgrade makes something else than the first:\n{_cut(changed)}"
        run.found(revision, "round-trip", message, "def upgrade")
    with _scratch(url) as connection:
        if fill := run.project.sample_rows.get(revision.id):
            run.project.call(fill, connection)
    return _catalog(run, url), dump_above


def _rows(run: _Run, url: str) -> dict[str, list[str]]:
    with _scratch(url) as connection:
        return rows(connection, run.project.model_schemas, without=run.project.version_table)


def _dump(run: _Run, url: str) -> str:
    schema = run.project.version_table_schema
    return dump(url, without=f"{schema}.{run.project.version_table}" if schema else run.project.version_table)


def _without_version_schema(run: _Run, dumped: str, below: str) -> str:
    """Below the first revision there is no schema for the version table; afterwards an empty one may stay."""
    schema = run.project.version_table_schema
    if schema is None or f"CREATE SCHEMA {schema};" in below:
        return dumped
    kept = [part for part in dumped.split("\n--\n-- Name: ") if not part.startswith(f"{schema}; Type: SCHEMA")]
    return "\n--\n-- Name: ".join(kept)


def _catalog(run: _Run, url: str) -> Catalog:
    with _scratch(url) as connection:
        connection.execute("SET LOCAL search_path = ''")
        return run.project.read_catalog(connection)


def _scratch(url: str) -> psycopg.Connection[Any]:
    return connect(url)


def _failing_line(error: Exception) -> str:
    """A line of the SQL that failed, if the error has it."""
    statement = getattr(error, "statement", None) or getattr(error.__cause__, "statement", None)
    return next(iter((statement or "").strip().splitlines()), "") or "def upgrade"


def _shown(path: Path) -> str:
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _cut(text: str) -> str:
    return text if len(text) <= _MESSAGE_LENGTH else text[:_MESSAGE_LENGTH] + "\n…"


def _one_line(error: BaseException) -> str:
    return _cut(" ".join(str(error).split())) or type(error).__name__
