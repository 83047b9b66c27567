"""Rules told by a revision's Python: what it imports, and what it asks for that differs from run to run."""

import ast
from collections.abc import Iterator

from tripwire_db.schema.check.chain import Chain, Revision
from tripwire_db.schema.check.run import Told
from tripwire_db.schema.project import Project

RULES = {
    "imports": "A revision imports nothing of the application: it is frozen, and the application is not.",
    "runner": "env.py hands the work to the runner, which limits how long others wait.",
}

_NETWORK = frozenset(
    "aiohttp boto3 ftplib http httpx imaplib paramiko redis requests smtplib socket ssl subprocess supabase telnetlib urllib "
    "urllib3 xmlrpc".split()
)
_CHANCE = {
    "datetime": ("now", "today", "utcnow"),
    "date": ("today",),
    "time": ("time", "time_ns"),
    "uuid": ("uuid1", "uuid4"),
    "os": ("urandom",),
}
_CHANCE_MODULES = ("random", "secrets")


def judge(revision: Revision, project: Project) -> Iterator[Told]:
    """Yield what is wrong with a revision's file."""
    named = project.metadata if isinstance(project.metadata, str) else ""
    application = {"tripwire_db", named.partition(":")[0].partition(".")[0]} - {""}
    for node in ast.walk(ast.parse(revision.path.read_text(encoding="utf-8"))):
        line = getattr(node, "lineno", 1)
        for module in _imported(node):
            top = module.partition(".")[0]
            if top in application:
                message = f"{module} is imported: it will change, and the revision must not; write what it needs here"
                yield "imports", message, (line,)
            elif top in _NETWORK:
                yield "network", f"{module} is imported: a revision must not depend on another computer", (line,)
        if isinstance(node, ast.Call) and (name := _chance(node.func)):
            yield "repeatable-data", f"{name}() gives something else at each run; write the value", (node.lineno,)


def judge_env(chain: Chain) -> Iterator[Told]:
    """Yield what is wrong with env.py, as the first revision sees it."""
    if not chain.calls_runner:
        message = "no limit is set on waiting for locks: let env.py call tripwire_db.schema.runner.run()"
        yield "runner", message, "def upgrade"


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom) and not node.level:
        return [node.module or ""]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name):
        called = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
        first = node.args[0] if node.args else None
        if called in ("import_module", "__import__") and isinstance(first, ast.Constant):
            return [str(first.value)]
    return []


def _chance(function: ast.expr) -> str | None:
    if not isinstance(function, ast.Attribute):
        return None
    owner = function.value
    name = owner.attr if isinstance(owner, ast.Attribute) else owner.id if isinstance(owner, ast.Name) else ""
    if name in _CHANCE_MODULES or function.attr in _CHANCE.get(name, ()):
        return f"{name}.{function.attr}"
    return None
