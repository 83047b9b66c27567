"""Whatever libpq's environment says, a server of our own is ours; towards the live database it counts."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.conftest import MakeDatabase
from tripwire_db.embedded import Cluster, scratch_cluster

ROLES = "SELECT array_agg(rolname::text ORDER BY rolname) FROM pg_roles"
DATABASES = "SELECT array_agg(datname::text ORDER BY datname) FROM pg_database"

# What `check`, `drift`, the demo and the plugin do with a server of their own.
OURS = """
import os, sys
import psycopg
from tripwire_db import migrations
from tripwire_db.embedded import scratch_cluster
from tripwire_db.schema.bootstrap import bootstrap
from tripwire_db.schema.check.dump import dump

before = {name: value for name, value in os.environ.items() if name.startswith("PG")}
assert before
with scratch_cluster(tcp_port=0) as cluster:
    url = cluster.create_database("ours")
    bootstrap(url)
    migrations.upgrade(url, migrations.revisions()[0], quiet=True)
    assert "public.users" in dump(url)
    for way in (url, cluster.url("ours", tcp=True)):
        with psycopg.connect(way) as connection:
            assert connection.execute("SHOW data_directory").fetchone() == (str(cluster.data_dir),)
            assert connection.execute("SHOW statement_timeout").fetchone() != ("7654ms",)
assert {name: value for name, value in os.environ.items() if name.startswith("PG")} == before
"""


@pytest.fixture(scope="module")
def somebody_elses() -> Iterator[Cluster]:
    with scratch_cluster(tcp_port=0) as cluster:
        yield cluster


def state(cluster: Cluster) -> tuple[object, object]:
    with psycopg.connect(cluster.url(), autocommit=True) as connection:
        return connection.execute(ROLES).fetchone(), connection.execute(DATABASES).fetchone()


def settings(home: Path, theirs: Cluster) -> dict[str, dict[str, str]]:
    """Each way in which libpq is told to go elsewhere, or to refuse where it is sent."""
    port, password = str(theirs.port), theirs.password
    (home / ".pg_service.conf").write_text(f"[prod]\nhostaddr=127.0.0.1\nport={port}\nsslmode=disable\n")
    (home / ".pgpass").write_text(f"*:*:*:*:{password}\n")
    (home / ".pgpass").chmod(0o600)
    return {
        "another address": {"PGHOSTADDR": "127.0.0.1", "PGPASSWORD": password, "PGPORT": port},
        "a service": {"PGSERVICE": "prod", "PGPASSWORD": password},
        "a service that is not there": {"PGSERVICE": "gone"},
        "other demands": {
            "PGOPTIONS": "-c statement_timeout=7654 -c default_transaction_read_only=on",
            "PGSSLMODE": "require",
            "PGTARGETSESSIONATTRS": "standby",
            "PGREQUIREPEER": "nobody",
            "PGREQUIREAUTH": "gss",
            "PGCHANNELBINDING": "require",
            "PGCLIENTENCODING": "latin1",
            "PGGSSENCMODE": "require",
            "PGHOST": "127.0.0.1",
            "PGUSER": "nobody",
            "PGDATABASE": "nowhere",
        },
    }


WAYS = ("another address", "a service", "a service that is not there", "other demands")


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.replace(" ", "_"))
def test_a_scratch_server_is_ours_whatever_libpq_is_told(somebody_elses: Cluster, tmp_path: Path, way: str):
    before = state(somebody_elses)
    told = {**os.environ, "HOME": str(tmp_path), **settings(tmp_path, somebody_elses)[way]}

    done = subprocess.run([sys.executable, "-c", OURS], env=told, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr[-2000:]
    assert state(somebody_elses) == before


def test_towards_the_live_database_libpqs_settings_count(make_database: MakeDatabase):
    parts = psycopg.conninfo.conninfo_to_dict(make_database())
    told = {
        **{f"PG{name.upper()}": str(parts[name]) for name in ("host", "port", "user")},
        "PGOPTIONS": "-c application_name=told_by_libpq",
    }
    command = [sys.executable, "-m", "tripwire_db.cli", "drift", "--json", "--database-url"]
    command.append(f"postgresql:///{parts['dbname']}")

    done = subprocess.run(command, env={**os.environ, **told}, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["findings"] == []


def test_what_is_set_while_it_is_hidden_stays_and_two_blocks_may_end_in_any_order(monkeypatch: pytest.MonkeyPatch):
    from tripwire_db.embedded.environment import hide_libpq_settings, show_libpq_settings

    hide_libpq_settings()
    try:
        monkeypatch.setenv("PGAPPNAME", "first")
        hide_libpq_settings()
        assert "PGAPPNAME" not in os.environ
        show_libpq_settings()
        assert "PGAPPNAME" not in os.environ, "another block still needs it hidden"
    finally:
        show_libpq_settings()
