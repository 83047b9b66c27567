"""`tripwire-db check`: whatever lets somebody in is planted once and found, on a plain server and on Supabase's own kind."""

import dataclasses
import shutil
from pathlib import Path

import pytest

from tests.schema.check.faults_of_access import OF_ACCESS, Fault
from tests.schema.check.faults_of_objects import FAULTS_THERE, OF_OBJECTS
from tripwire_db import migrations
from tripwire_db.schema.check import Report, check
from tripwire_db.schema.project import SUPABASE, Platform, Project

BASE = "20260101000000"
TABLES = """
CREATE TABLE public.towns (id integer PRIMARY KEY, name text);
REVOKE ALL ON public.towns FROM PUBLIC, anon, authenticated, service_role;
ALTER TABLE public.towns ENABLE ROW LEVEL SECURITY;
CREATE POLICY read ON public.towns FOR SELECT TO authenticated USING (id > 0);
GRANT SELECT ON public.towns TO authenticated;
"""

REVISION = '''"""Plant a fault."""

from alembic import op
from sqlalchemy import text

from revision_tools import execute

revision = "{revision}"
down_revision = {down!r}
branch_labels = None
depends_on = None
LOSSES = ("declared",)


def upgrade() -> None:
    {up}


def downgrade() -> None:
    execute({back!r})
'''


FAULTS = {**OF_ACCESS, **OF_OBJECTS}

WATCH = (
    "CREATE SCHEMA IF NOT EXISTS tripwire; CREATE FUNCTION tripwire.watch() RETURNS event_trigger LANGUAGE plpgsql "
    "AS 'BEGIN END'; REVOKE ALL ON FUNCTION tripwire.watch() FROM PUBLIC"
)


def judge(folder: Path, faults: dict[str, Fault], platform: Platform | None) -> tuple[Report, dict[str, str]]:
    """Check a small chain with these on top; give the report, and each one's revision."""
    (folder / "versions").mkdir(parents=True)
    for name in ("env.py", "revision_tools.py"):
        shutil.copy(migrations.script_location() / name, folder / name)
    base = Fault(f"{TABLES}{WATCH}", "DROP TABLE public.towns; DROP FUNCTION tripwire.watch()", "", "")
    ids: dict[str, str] = {}
    below: str | None = None
    for number, (name, fault) in enumerate({"": base, **faults}.items()):
        ids[name] = revision = str(int(BASE) + number)
        up = fault.up if fault.up.startswith("op.") else f"execute({fault.up!r})"
        text = REVISION.format(revision=revision, down=below, up=up, back=fault.back)
        (folder / "versions" / f"{revision}_planted.py").write_text(text)
        below = revision
    project = Project(
        folder=lambda: folder,
        version_table_schema="tripwire",
        schemas=("public", "tripwire"),
        home_schema="tripwire",
        baseline=BASE,
        prepare="tripwire_db.schema.bootstrap:bootstrap",
        functions=r"rpc\_%",
        platform=platform,
    )
    return check(folder, project=project), ids


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> tuple[Report, dict[str, str]]:
    return judge(tmp_path_factory.mktemp("plain") / "alembic", FAULTS, None)


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """On Supabase's own kind of server, all but the one that cannot run there."""
    faults = dict(list(FAULTS_THERE.items())[:-1])
    return judge(tmp_path_factory.mktemp("there") / "alembic", faults, SUPABASE)[0]


@pytest.mark.parametrize("name", FAULTS, ids=lambda name: name.replace(" ", "_"))
def test_a_revision_that_lets_somebody_in_is_found(plain: tuple[Report, dict[str, str]], name: str) -> None:
    report, ids = plain
    fault = FAULTS[name]

    found = [finding for finding in report.findings if finding.revision == ids[name] and finding.rule == fault.rule]

    assert any(fault.said in finding.message for finding in found), [
        finding for finding in report.findings if finding.revision == ids[name]
    ]


@pytest.mark.parametrize("name", list(FAULTS_THERE)[:-1], ids=lambda name: name.replace(" ", "_"))
def test_what_default_privileges_open_is_found(there: Report, name: str) -> None:
    fault = FAULTS_THERE[name]
    found = [finding.message for finding in there.findings if finding.rule == fault.rule]
    assert any(fault.said in message for message in found), there.findings


def test_what_runs_as_a_superuser_alone_is_found(tmp_path: Path) -> None:
    (name, fault), *_ = reversed(FAULTS_THERE.items())
    report, ids = judge(tmp_path / "alembic", {name: fault}, SUPABASE)
    found = [
        finding.message for finding in report.findings if (finding.rule, finding.revision) == (fault.rule, ids[name])
    ]
    assert any(fault.said in message for message in found), report.findings


def test_a_platform_without_servers_to_try_is_not_tried(tmp_path: Path) -> None:
    report, _ = judge(tmp_path / "alembic", {"": FAULTS["a view"]}, dataclasses.replace(SUPABASE, databases=None))
    assert {finding.rule for finding in report.findings} & {"platform", "default-privileges"} == set()
