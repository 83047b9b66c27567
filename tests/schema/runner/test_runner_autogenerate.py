"""What differs from the models is written as literal SQL, for a person to review."""

import shutil
from collections.abc import Callable
from pathlib import Path

from tests.schema.runner.chain import ROOT, Chain


def test_autogenerate_writes_literal_sql_that_mends_the_difference_and_its_way_back(
    make_database: Callable[..., str], tmp_path: Path
) -> None:
    shutil.copy(ROOT / "alembic.ini", tmp_path)
    shutil.copytree(ROOT / "alembic", tmp_path / "alembic", ignore=shutil.ignore_patterns("__pycache__"))
    chain = Chain(tmp_path, make_database())
    before = {path.name for path in (tmp_path / "alembic" / "versions").glob("*.py")}
    chain.execute(
        "ALTER TABLE public.users DROP COLUMN telegram_chat_id, ALTER COLUMN onboarding_completed SET DEFAULT true;"
        "DROP INDEX public.idx_users_role"
    )

    made = chain.run("revision", "--autogenerate", "-m", "Mend by hand")

    assert made.code == 0, made
    [path] = [path for path in (tmp_path / "alembic" / "versions").glob("*.py") if path.name not in before]
    text = path.read_text(encoding="utf-8")
    assert "ALTER TABLE public.users ADD COLUMN telegram_chat_id BIGINT;" in text
    assert "ALTER TABLE public.users DROP COLUMN telegram_chat_id;" in text
    assert "op." not in text
    assert chain.run("check").code != 0
    assert chain.upgrade().code == 0
    assert chain.run("check").code == 0
    assert chain.run("downgrade", "-1").code == 0
    assert chain.run("check").code != 0


def test_without_differences_the_template_asks_for_the_sql(make_database: Callable[..., str], tmp_path: Path) -> None:
    chain = Chain.make(tmp_path, make_database(migrated=None))
    assert chain.run("revision", "-m", "By hand").code == 0
    [path] = (tmp_path / "alembic" / "versions").glob("*.py")
    assert "SELECT 'the change, as literal SQL'" in path.read_text(encoding="utf-8")
