"""Imports run one way: cli, demo → repository → auth, cache, flows → engine → postgres → the vocabulary."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import tripwire_db

PACKAGE = Path(__file__).resolve().parents[2] / "tripwire_db"

# From the top down: a module may import only from lines below its own. What stands on one line may import each other
# only within the same folder.
LAYERS = (
    ("cli", "__main__"),
    ("demo", "testing", "operate"),
    ("__init__",),
    ("repository", "schema"),
    ("auth", "cache", "flows"),
    ("engine",),
    ("embedded", "migrations"),
    ("settings",),
    ("postgres",),
    ("results", "validation"),
    ("video",),
    ("tables", "errors"),
    ("choices", "columns", "expected", "safe_text", "signals"),
)
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}


def part_of(path: Path) -> str:
    """The noun that a file belongs to: its own name, or that of its folder."""
    inside = path.relative_to(PACKAGE)
    return inside.parts[0].removesuffix(".py")


def imported_modules(path: Path) -> set[str]:
    """The modules of the package that a file names in `from … import`."""
    nodes = ast.walk(ast.parse(path.read_text()))
    names = {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    return {name for name in names if name.split(".")[0] == "tripwire_db"}


def imports_of(path: Path) -> set[str]:
    """The parts of the package that a file imports, inside functions too, and for types only too."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative imports hide the arrows"
            module = node.module or ""
            is_part = module == "tripwire_db"
            found |= {f"{module}.{alias.name}" for alias in node.names} if is_part else {module}
    inside = {
        name.split(".")[1] if "." in name else "__init__" for name in found if name.split(".")[0] == "tripwire_db"
    }
    return {name if (PACKAGE / name).is_dir() or (PACKAGE / f"{name}.py").exists() else "__init__" for name in inside}


FILES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(PACKAGE)) for path in FILES])
def test_imports_point_down(path: Path):
    part = part_of(path)
    if part == "__init__":
        return  # exports everything, lazily
    for module in imported_modules(path):
        target = PACKAGE.parent / Path(*module.split("."))
        assert target.is_dir() or target.with_suffix(".py").exists(), (
            f"{path.name} imports {module}, which is not there"
        )
    assert part in LEVEL, f"say in {Path(__file__).name} where {part} stands"
    upwards = {other for other in imports_of(path) - {part} if LEVEL.get(other, -1) <= LEVEL[part]}
    assert not upwards, f"{path.name} imports upwards or sideways: {', '.join(sorted(upwards))}"


def test_revisions_import_nothing_of_the_package():
    alembic = PACKAGE.parent / "alembic"
    for path in [*(alembic / "versions").glob("*.py"), alembic / "revision_tools.py"]:
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not [name for name in names if name.split(".")[0] == "tripwire_db"], path


def test_the_alembic_folder_never_shadows_the_library():
    assert not (PACKAGE.parent / "alembic" / "__init__.py").exists()
    said = subprocess.run(
        [sys.executable, "-c", "import alembic.command; print(alembic.__file__)"],
        cwd=PACKAGE.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "site-packages" in said.stdout


def test_each_public_name_is_known_to_type_checkers_and_loads_when_used():
    tree = ast.parse((PACKAGE / "__init__.py").read_text())
    shown = {
        alias.asname: node.module
        for block in tree.body
        if isinstance(block, ast.If)
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert shown == tripwire_db._HOME_OF
    for name in tripwire_db.__all__:
        assert getattr(tripwire_db, name) is not None


UNUSED = {
    "alembic",
    "httpx",
    "pydantic",
    "redis",
    "rich",
    "sqlalchemy.ext.asyncio",
    "sqlalchemy.orm",
    "supabase",
    "typer",
}


@pytest.mark.parametrize(
    "opened", ["", "TripwireRepository.connect('postgresql:///x', auth=PostgresAuth('postgresql:///x'))"]
)
def test_a_backend_loads_nothing_that_it_does_not_use(opened: str):
    """What decides how long it waits: the benchmarks measure that."""
    code = (
        f"import sys; from tripwire_db import TripwireRepository, PostgresAuth; {opened or 'pass'}; print(*sys.modules)"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "tripwire_db.repository.sync.repository" in loaded
    assert not UNUSED & set(loaded)
    assert not [name for name in loaded if name.startswith(("tripwire_db.schema", "tripwire_db.repository.aio"))]


def test_the_environment_of_the_chain_hands_the_course_to_the_runner_and_knows_nothing_else_of_the_package():
    assert imported_modules(PACKAGE.parent / "alembic" / "env.py") == {
        "tripwire_db.schema.project",
        "tripwire_db.schema.runner",
    }


def test_the_runner_loads_nothing_that_backends_call():
    code = "import sys, tripwire_db.schema.runner; print(*(n for n in sys.modules if n.startswith('tripwire_db.')))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "tripwire_db.schema.runner" in loaded
    known = {"choices", "errors", "migrations", "postgres", "safe_text", "schema", "settings", "signals"}
    assert {name.split(".")[1] for name in loaded} <= known


BLOCKED = [[name] for name in "auth cache demo engine flows operate repository results tables validation video".split()]


@pytest.mark.parametrize("tool", ["runner", "check", "drift", "backup"])
def test_a_tool_of_the_schema_door_knows_the_course_by_its_description_alone(tool: str):
    code = f"""import sys

class Course:
    def find_spec(self, name, path=None, target=None):
        parts = name.split(".")
        if parts[0] == "tripwire_db" and (
            parts[1:2] in {BLOCKED} or parts[1:3] in (["schema", "course"], ["schema", "bootstrap"], ["schema", "adopt"])
        ):
            raise ImportError(name + " is the course's")

sys.meta_path.insert(0, Course())
import tripwire_db.schema.{tool}
from tripwire_db.schema.project import COURSE
try:
    COURSE.models()
except ImportError as error:
    print(error)"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "tripwire_db.tables is the course's\n", done.stderr
