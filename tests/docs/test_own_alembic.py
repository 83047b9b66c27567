"""The recipe for an application's own Alembic project beside ours, run as the page shows it."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from tests.docs.snippets import write_files
from tests.schema.drift.conftest import expected, one_scratch
from tripwire_db import ConstraintViolated, EmailTaken, PostgresAuth, TripwireRepository
from tripwire_db.cli.app import app

__all__ = ["expected", "one_scratch"]

PAGE = "how-to/backend/own-alembic.md"


class Shop:
    """The page's project, on a migrated database."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url
        write_files(PAGE, folder)
        (folder / "alembic.ini").write_text("[alembic]\nscript_location = alembic\nprepend_sys_path = .\n")

    def alembic(self, *words: str, fails: bool = False) -> str:
        command = [sys.executable, "-m", "alembic", "-x", f"url={self.url}", *words]
        ran = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
        assert bool(ran.returncode) is fails, ran.stdout + ran.stderr
        return ran.stdout + ran.stderr

    def execute(self, statement: str, *parameters: object) -> list[tuple[object, ...]]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), parameters or None)
            return cursor.fetchall() if cursor.description else []


@pytest.fixture
def shop(tmp_path: Path, database_url: str) -> Shop:
    shop = Shop(tmp_path, database_url)
    shop.alembic("upgrade", "head")
    return shop


@pytest.fixture
def repository(shop: Shop) -> Iterator[TripwireRepository]:
    with PostgresAuth(shop.url) as auth, TripwireRepository.connect(shop.url, auth=auth) as repository:
        yield repository


@pytest.mark.usefixtures("one_scratch")
def test_the_two_chains_leave_each_other_alone_and_drift_allows_what_the_file_names(shop: Shop) -> None:
    assert "No new upgrade operations detected" in shop.alembic("check")
    assert shop.execute("SELECT version_num FROM shop.alembic_version") == [("0002",)]
    run = CliRunner().invoke
    told = run(app, ["drift", "--database-url", shop.url])
    allowed = run(app, ["drift", "--database-url", shop.url, "--allow", str(shop.folder / "drift.toml")])
    shop.execute("DROP TRIGGER shop_sold ON public.tripwire_users; DROP FUNCTION shop.told()")
    stale = run(app, ["drift", "--database-url", shop.url, "--allow", str(shop.folder / "drift.toml")])

    assert (told.exit_code, allowed.exit_code, stale.exit_code) == (1, 0, 0), told.stdout + allowed.stdout
    shown = (Path(__file__).parents[2] / "docs" / PAGE).read_text(encoding="utf-8")
    listed = allowed.stdout.partition("\n\n")[2]
    assert listed
    assert listed in shown
    assert "3 differences" in told.stdout
    assert "Note: the allow-list has trigger public.tripwire_users.shop_sold, which" in stale.stdout


def test_without_the_recipe_s_include_object_our_tables_would_be_dropped(shop: Shop) -> None:
    env = shop.folder / "alembic" / "env.py"
    env.write_text(env.read_text().replace("    include_object=include_object,\n", ""))

    assert "remove_table" in shop.alembic("check", fails=True)


def test_all_of_the_application_goes_and_comes_again(shop: Shop) -> None:
    shop.alembic("downgrade", "base")
    assert shop.execute("SELECT to_regclass('shop.orders')") == [(None,)]
    shop.alembic("upgrade", "head")


@pytest.mark.parametrize("action", ["NO ACTION", "RESTRICT", "SET NULL", "CASCADE"])
def test_what_deleting_a_student_does_to_rows_that_refer_to_them(
    shop: Shop, repository: TripwireRepository, action: str
) -> None:
    manager = repository.create_manager(email="m@sales.kz", full_name="M")
    student = repository.create_tripwire_user(email="s@course.kz", full_name="S", manager_id=manager.user_id)
    shop.execute(
        "ALTER TABLE shop.orders DROP CONSTRAINT fk_orders_student_id, ADD CONSTRAINT fk_orders_student_id"
        f" FOREIGN KEY (student_id) REFERENCES public.users (id) ON DELETE {action}"
    )
    shop.execute("INSERT INTO shop.orders (student_id, total) VALUES (%s, 5)", student.user_id)
    them = {"user_id": student.user_id, "manager_id": manager.user_id}

    if action in {"NO ACTION", "RESTRICT"}:
        with pytest.raises(ConstraintViolated, match=r"by fk_orders_student_id of shop\.orders") as refused:
            repository.delete_student(**them)
        error = refused.value
        named = (error.schema, error.table, error.constraint, error.step)
        assert named == ("shop", "orders", "fk_orders_student_id", None)
        assert repository.get_student(user_id=student.user_id).student.email == "s@course.kz"
        assert shop.execute("SELECT count(*) FROM auth.users WHERE id = %s", student.user_id) == [(1,)]
        shop.execute("DELETE FROM shop.orders")
    assert repository.delete_student(**them).deleted
    left = {"SET NULL": [(None,)], "CASCADE": []}
    assert shop.execute("SELECT student_id FROM shop.orders") == left.get(action, [])


@pytest.mark.parametrize("table", ["users", "elsewhere"])
def test_a_constraint_of_the_application_is_not_taken_for_ours_by_its_name(
    shop: Shop, repository: TripwireRepository, table: str
) -> None:
    manager = repository.create_manager(email="m@sales.kz", full_name="M")
    shop.execute(
        f"CREATE TABLE shop.{table} (email text CONSTRAINT uq_users_email UNIQUE);"
        f"CREATE FUNCTION shop.copy() RETURNS trigger LANGUAGE plpgsql AS"
        f" 'BEGIN INSERT INTO shop.{table} VALUES (''x''); RETURN NULL; END';"
        "CREATE TRIGGER copy AFTER INSERT ON public.tripwire_users FOR EACH ROW EXECUTE FUNCTION shop.copy()"
    )
    repository.create_tripwire_user(email="a@course.kz", full_name="A", manager_id=manager.user_id)

    with pytest.raises(ConstraintViolated) as refused:
        repository.create_tripwire_user(email="b@course.kz", full_name="B", manager_id=manager.user_id)

    error = refused.value
    assert not isinstance(error, EmailTaken)
    assert (error.schema, error.table, error.constraint, error.step) == ("shop", table, "uq_users_email", None)
