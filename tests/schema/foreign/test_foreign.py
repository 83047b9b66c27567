"""`check` of other people's projects, as they are found in the wild: right verdicts, and nothing of this project's rules."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from textwrap import indent

import pytest

ENV = """from shop import metadata

from tripwire_db.schema.runner import run

run(target_metadata=metadata, version_table_schema=None)
"""
REVISION = '''"""{title}

Revision ID: {id}
Revises: {shown}
"""
from alembic import op
import sqlalchemy as sa

revision = "{id}"
down_revision = {down!r}
branch_labels = None
depends_on = None


def upgrade():
{up}


def downgrade():
{back}
'''


@dataclass(frozen=True)
class Step:
    """A revision in Alembic's own way: named by a hash, written with `op.*`."""

    id: str
    down: object
    up: str
    back: str = "pass"


@dataclass(frozen=True)
class Foreign:
    """A project of somebody else: its models, its revisions, its table in pyproject.toml, and what is to be found."""

    models: str
    steps: tuple[Step, ...]
    settings: str = ""
    template: str = "generic"
    own_env: bool = False
    found: frozenset[tuple[str, str]] = frozenset()


BRANCHES = Foreign(
    """
kind = sa.Enum("fruit", "tool", name="kind")
sa.Table("items", metadata, sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.String(50), server_default="thing", nullable=False), sa.Column("kind", kind),
    sa.Column("price", sa.Numeric(10, 2)))
sa.Table("tags", metadata, sa.Column("id", sa.Integer, primary_key=True))
""",
    (
        Step(
            "1a2b3c4d5e6f",
            None,
            'op.create_table("items", sa.Column("id", sa.Integer(), nullable=False),\n'
            '    sa.Column("name", sa.String(length=50), server_default="thing", nullable=False),\n'
            '    sa.Column("kind", sa.Enum("fruit", "tool", name="kind")), sa.PrimaryKeyConstraint("id"))\n'
            'op.bulk_insert(sa.table("items", sa.column("name", sa.String())), [{"name": "apple"}])',
            'op.drop_table("items")\nsa.Enum(name="kind").drop(op.get_bind())',
        ),
        Step(
            "2b3c4d5e6f7a",
            "1a2b3c4d5e6f",
            'op.add_column("items", sa.Column("price", sa.Numeric(10, 2)))\n'
            "bind = op.get_bind()\n"
            'for (key,) in bind.execute(sa.text("SELECT id FROM items")).fetchall():\n'
            '    bind.execute(sa.text("UPDATE items SET price = 5 WHERE id = :id"), {"id": key})',
            'op.drop_column("items", "price")',
        ),
        Step(
            "3c4d5e6f7a8b",
            "1a2b3c4d5e6f",
            'op.create_table("tags", sa.Column("id", sa.Integer(), primary_key=True))',
            'op.drop_table("tags")',
        ),
        Step("4d5e6f7a8b9c", ("2b3c4d5e6f7a", "3c4d5e6f7a8b"), "pass"),
        Step(
            "5e6f7a8b9cad",
            "4d5e6f7a8b9c",
            'op.create_index("ix_items_name", "items", ["name"])',
            'op.drop_index("ix_items_name")',
        ),
        Step("6f7a8b9cadbe", "5e6f7a8b9cad", 'op.execute("DELETE FROM tags")'),
    ),
    found=frozenset(
        {
            ("5e6f7a8b9cad", "index-not-concurrently"),
            ("6f7a8b9cadbe", "delete-without-where"),
            ("6f7a8b9cadbe", "models"),
        }
    ),
)

SCHEMAS = Foreign(
    """
sa.Table("orders", metadata, sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", sa.Date, primary_key=True), schema="sales", postgresql_partition_by="RANGE (at)")
""",
    (
        Step(
            "aa11bb22cc33",
            None,
            'op.execute("CREATE SCHEMA sales; CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA public;'
            " CREATE TABLE sales.orders (id bigint, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);"
            " CREATE TABLE sales.orders_2026 PARTITION OF sales.orders FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');"
            ' CREATE VIEW sales.seen AS SELECT id FROM sales.orders; CREATE TABLE public.legacy_customers (id int)")',
        ),
        Step(
            "bb22cc33dd44",
            "aa11bb22cc33",
            "op.execute(\"INSERT INTO sales.orders VALUES (1, '2026-02-03')\")",
            "raise NotImplementedError",
        ),
    ),
    settings='schemas = ["public", "sales"]\nbeside_models = ["public.legacy_*", "sales.orders_2*", "sales.seen"]\n'
    "[tool.tripwire-db.rules]\nround-trip = false\n",
)

ASYNC = Foreign(
    'sa.Table("items", metadata, sa.Column("id", sa.Integer, primary_key=True))\n',
    (
        Step(
            "cc33dd44ee55",
            None,
            'op.create_table("items", sa.Column("id", sa.Integer(), primary_key=True))',
            'op.drop_table("items")',
        ),
    ),
    template="async",
    own_env=True,
    found=frozenset({("cc33dd44ee55", "runner")}),
)


@pytest.mark.parametrize("project", [BRANCHES, SCHEMAS, ASYNC], ids=["branches", "schemas", "async"])
def test_a_foreign_project_gets_right_verdicts(project: Foreign, tmp_path: Path) -> None:
    make(tmp_path, project)

    code, report, said = check(tmp_path)

    found = {(one["revision"], one["rule"]) for one in report["findings"] if not one["rule"].startswith("squawk:")}
    assert found == set(project.found), report["findings"]
    assert code == bool(report["findings"])
    assert all(f'revision = "{one["revision"]}"' in one["accept"] for one in report["findings"])
    told = json.dumps([report["findings"], report["skipped"], report["accepted"]]) + said
    for word in ("course", "student", "Supabase", "tripwire.alembic"):
        assert word not in told, f"{word} is not meant here"


def test_what_is_found_is_accepted_by_what_the_finding_says(tmp_path: Path) -> None:
    make(tmp_path, ASYNC)
    (tmp_path / "pyproject.toml").write_text(
        (tmp_path / "pyproject.toml").read_text()
        + 'accept = [{ rule = "runner", revision = "cc33dd44ee55", reason = "our env.py waits for nothing" }]\n'
    )

    _, report, _ = check(tmp_path)

    assert [one for one in report["findings"] if not one["rule"].startswith("squawk:")] == []
    assert [one["reason"] for one in report["accepted"]] == ["our env.py waits for nothing"]


def make(folder: Path, project: Foreign) -> None:
    """As `alembic init` makes it, two lines in env.py unless it keeps its own."""
    subprocess.run(
        [sys.executable, "-m", "alembic", "init", "-t", project.template, "migrations"],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    ini = folder / "alembic.ini"
    # A database that nobody may reach: check has one of its own.
    ini.write_text(ini.read_text().replace("driver://user:pass@localhost/dbname", "postgresql://nobody@192.0.2.1/live"))
    (folder / "pyproject.toml").write_text(
        f'[tool.tripwire-db]\nfolder = "migrations"\nmetadata = "shop:metadata"\n{project.settings}'
    )
    (folder / "shop.py").write_text(f"import sqlalchemy as sa\n\nmetadata = sa.MetaData()\n{project.models}")
    if not project.own_env:
        (folder / "migrations" / "env.py").write_text(ENV)
    for step in project.steps:
        text = REVISION.format(
            title=f"step {step.id}",
            id=step.id,
            shown=step.down or "",
            down=step.down,
            up=indent(step.up, "    "),
            back=indent(step.back, "    "),
        )
        (folder / "migrations" / "versions" / f"{step.id}_step.py").write_text(text)


def check(folder: Path) -> tuple[int, dict, str]:
    done = subprocess.run(
        [sys.executable, "-m", "tripwire_db.cli", "check", "--json"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout), done.stderr
