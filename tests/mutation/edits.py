"""Edits of a SQL statement, by its parse tree: each gives another statement that is plausible and wrong."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pglast import ast, parse_sql, split
from pglast.enums import AlterTableType, BoolExprType, ConstrType, ObjectType, RoleSpecType
from pglast.stream import RawStream
from pglast.visitors import Visitor

Edit = tuple[str, Callable[[], None]]
"""What it does, in words, and what does it to the tree that it came of."""


_REPEATABLE = (
    ast.GrantStmt,
    ast.CommentStmt,
    ast.UpdateStmt,
    ast.DeleteStmt,
    ast.AlterPolicyStmt,
    ast.AlterFunctionStmt,
    ast.AlterEventTrigStmt,
    ast.AlterOwnerStmt,
    ast.LockStmt,
    ast.SelectStmt,
    ast.DoStmt,  # each looks first at what is there
)
_REPEATABLE_COMMANDS = {
    AlterTableType.AT_SetNotNull,
    AlterTableType.AT_DropNotNull,
    AlterTableType.AT_ColumnDefault,
    AlterTableType.AT_ValidateConstraint,
    AlterTableType.AT_EnableRowSecurity,
    AlterTableType.AT_DisableRowSecurity,
    AlterTableType.AT_EnableTrig,
    AlterTableType.AT_DisableTrig,
    AlterTableType.AT_SetRelOptions,
    AlterTableType.AT_ResetRelOptions,
    AlterTableType.AT_AlterColumnType,
    AlterTableType.AT_ReplicaIdentity,
}


def edited(sql: str, edits: Callable[[Any], Iterator[Edit]]) -> Iterator[tuple[str, Callable[[], str]]]:
    """Yield each edit of a statement, under a name of its own, and what gives the statement as it is then."""
    names: list[str] = []
    for number, (what, _) in enumerate(edits(_parsed(sql))):
        names.append(what)
        again = names.count(what)
        yield what if again == 1 else f"{what} ({again})", lambda number=number: _edit(sql, edits, number)


def _edit(sql: str, edits: Callable[[Any], Iterator[Edit]], number: int) -> str:
    tree = _parsed(sql)
    _, edit = list(edits(tree))[number]
    edit()
    return RawStream()(tree)


def rewritten(sql: str) -> str:
    """The statement as it is, in the words of the printer that writes the edited ones."""
    return RawStream()(_parsed(sql))


def statements(text: str) -> list[slice]:
    """Where each statement of a text stands."""
    return list(split(text, only_slices=True))


def kind_of(statement: str) -> str:
    """The kind of a statement, as its parse tree is called: `GrantStmt`."""
    return type(_parsed(statement).stmt).__name__


def is_repeatable(statement: str) -> bool:
    """Whether running it twice does what running it once does, so that a second time is no fault."""
    stmt = _parsed(statement).stmt
    if isinstance(stmt, ast.AlterTableStmt):
        return {command.subtype for command in stmt.cmds} <= _REPEATABLE_COMMANDS
    return (
        isinstance(stmt, _REPEATABLE)
        or bool(getattr(stmt, "missing_ok", False))
        or bool(getattr(stmt, "replace", False))
        or bool(getattr(stmt, "if_not_exists", False))
    )


def of_revision(tree: Any) -> Iterator[Edit]:
    """What weakens a statement of a revision: wider grants and policies, looser constraints, other functions."""
    yield from _OF.get(type(tree.stmt), lambda _: iter(()))(tree.stmt)
    yield from _loosened(tree)


def of_flow(tree: Any) -> Iterator[Edit]:
    """What takes a step, a lock, a part of a WHERE or a RETURNING out of a flow's statement."""
    nodes = _nodes_by_kind(tree)
    for cte in nodes[ast.CommonTableExpr]:
        yield from _of_step(cte, nodes)
    for select in nodes[ast.SelectStmt]:
        if select.lockingClause:
            yield f"lock of {_relations(select)}", _setter(select, "lockingClause", None)
    for target in nodes[ast.ResTarget]:
        if isinstance(target.val, ast.FuncCall) and target.val.funcname[-1].sval.startswith("pg_advisory"):
            yield "advisory lock", _setter(target, "val", _parsed("SELECT NULL::text").stmt.targetList[0].val)
    for kind in (ast.SelectStmt, ast.UpdateStmt, ast.DeleteStmt, ast.OnConflictClause):
        for node in nodes[kind]:
            yield from _conditions(node)


def _of_step(cte: Any, nodes: "_Nodes") -> Iterator[Edit]:
    query = cte.ctequery
    if not isinstance(query, ast.InsertStmt | ast.UpdateStmt | ast.DeleteStmt):
        return
    writes = query.selectStmt if isinstance(query, ast.InsertStmt) else query
    yield f"step {cte.ctename}", _setter(writes, "whereClause", _expression("false"))
    read = _columns_read_of(cte.ctename, nodes)
    for target in query.returningClause.exprs if query.returningClause else ():
        name = target.name or (target.val.fields[-1].sval if isinstance(target.val, ast.ColumnRef) else "a value")
        if name not in read:  # returned to be counted only
            continue
        empty = _expression("CASE WHEN false THEN 1 END")
        empty.args[0].result = target.val
        yield (
            f"RETURNING {name} of step {cte.ctename}",
            _both(_setter(target, "val", empty), _setter(target, "name", name)),
        )


def _columns_read_of(cte: str, nodes: "_Nodes") -> set[str]:
    names = {one.alias.aliasname if one.alias else cte for one in nodes[ast.RangeVar] if one.relname == cte}
    references = [[field.sval for field in one.fields] for one in nodes[ast.ColumnRef] if len(one.fields) > 1]
    return {column for *_, owner, column in references if owner in names}


def _conditions(node: Any) -> Iterator[Edit]:
    where = node.whereClause
    if isinstance(where, ast.BoolExpr) and where.boolop == BoolExprType.AND_EXPR:
        for number, part in enumerate(where.args):
            rest = tuple(one for place, one in enumerate(where.args) if place != number)
            yield (
                f"WHERE {RawStream()(part)}",
                _setter(where, "args", rest) if len(rest) > 1 else _setter(node, "whereClause", rest[0]),
            )
    elif where is not None:
        yield f"WHERE {RawStream()(where)}", _setter(node, "whereClause", None)


def _grant(stmt: Any) -> Iterator[Edit]:
    if not stmt.is_grant:
        return
    anon = ast.RoleSpec(roletype=RoleSpecType.ROLESPEC_CSTRING, rolename="anon")
    yield "granted to anon, too", _setter(stmt, "grantees", (*stmt.grantees, anon))
    yield "granted to PUBLIC", _setter(stmt, "grantees", (ast.RoleSpec(roletype=RoleSpecType.ROLESPEC_PUBLIC),))
    yield "with grant option", _setter(stmt, "grant_option", value=True)
    if stmt.objtype == ObjectType.OBJECT_TABLE:
        yield "all privileges", _setter(stmt, "privileges", None)


def _function(stmt: Any) -> Iterator[Edit]:
    options = stmt.options
    named = {option.defname: option for option in options}

    def without(name: str) -> Callable[[], None]:
        return _setter(stmt, "options", tuple(option for option in options if option.defname != name))

    if "set" in named:
        yield "without its settings (search_path)", without("set")
    if "security" in named:
        yield "without SECURITY DEFINER", without("security")
    else:
        definer = ast.DefElem(defname="security", arg=ast.Boolean(boolval=True))
        yield "SECURITY DEFINER", _setter(stmt, "options", (*options, definer))
    if "volatility" in named:
        yield "VOLATILE", without("volatility")
        yield "IMMUTABLE", _setter(named["volatility"], "arg", ast.String(sval="immutable"))


def _policy(stmt: Any) -> Iterator[Edit]:
    if stmt.qual is not None:
        yield "USING (true)", _setter(stmt, "qual", _expression("true"))
    if stmt.with_check is not None:
        yield "WITH CHECK (true)", _setter(stmt, "with_check", _expression("true"))
    yield "for PUBLIC", _setter(stmt, "roles", (ast.RoleSpec(roletype=RoleSpecType.ROLESPEC_PUBLIC),))


def _index(stmt: Any) -> Iterator[Edit]:
    if stmt.unique:
        yield "not unique", _setter(stmt, "unique", value=False)
    if stmt.whereClause is not None:
        yield "without its predicate", _setter(stmt, "whereClause", None)


def _table(stmt: Any) -> Iterator[Edit]:
    for command in stmt.cmds if len(stmt.cmds) > 1 else ():
        rest = tuple(one for one in stmt.cmds if one is not command)
        made = getattr(command.def_, "colname", None) or getattr(command.def_, "conname", None)
        yield f"without {command.subtype.name} {command.name or made or ''}", _setter(stmt, "cmds", rest)


def _write(stmt: Any) -> Iterator[Edit]:
    yield from _conditions(stmt)


def _trigger(stmt: Any) -> Iterator[Edit]:
    yield "BEFORE or AFTER", _setter(stmt, "timing", 0 if stmt.timing else 2)


_OF: dict[type, Callable[[Any], Iterator[Edit]]] = {
    ast.GrantStmt: _grant,
    ast.CreateFunctionStmt: _function,
    ast.CreatePolicyStmt: _policy,
    ast.AlterPolicyStmt: _policy,
    ast.IndexStmt: _index,
    ast.AlterTableStmt: _table,
    ast.UpdateStmt: _write,
    ast.DeleteStmt: _write,
    ast.CreateTrigStmt: _trigger,
}


def _loosened(tree: Any) -> Iterator[Edit]:
    """Constraints that hold less, wherever they stand: in a table, a column, or behind ADD."""
    for one in _nodes(tree, ast.Constraint):
        if one.contype == ConstrType.CONSTR_CHECK:
            yield f"CHECK {one.conname or ''} (true)", _setter(one, "raw_expr", _expression("true"))
        elif one.contype == ConstrType.CONSTR_FOREIGN:
            action = "a" if one.fk_del_action == "c" else "c"
            yield f"ON DELETE of {one.conname or 'a foreign key'}", _setter(one, "fk_del_action", action)
    for column in _nodes(tree, ast.ColumnDef):
        for one in column.constraints or ():
            if one.contype in (ConstrType.CONSTR_NOTNULL, ConstrType.CONSTR_DEFAULT, ConstrType.CONSTR_UNIQUE):
                rest = tuple(other for other in column.constraints if other is not one)
                yield f"{column.colname} without {RawStream()(one)}", _setter(column, "constraints", rest or None)


_Nodes = Mapping[type, list[Any]]


class _Collector(Visitor):
    def __init__(self) -> None:
        self.found: defaultdict[type, list[Any]] = defaultdict(list)

    def visit(self, _ancestors: Any, node: Any) -> None:
        self.found[type(node)].append(node)


def _nodes_by_kind(tree: Any) -> _Nodes:
    """All nodes of a tree, in one walk: a flow's statement has thousands."""
    collector = _Collector()
    collector(tree)
    return collector.found


def _nodes(tree: Any, kind: type) -> list[Any]:
    return _nodes_by_kind(tree)[kind]


def _relations(select: Any) -> str:
    names = [one.relname for one in _nodes(ast.RawStmt(stmt=select), ast.RangeVar)]
    return ", ".join(names)


def _parsed(sql: str) -> Any:
    (tree,) = parse_sql(sql)
    return tree


def _expression(sql: str) -> Any:
    return _parsed(f"SELECT {sql}").stmt.targetList[0].val


def _setter(node: Any, name: str, value: Any) -> Callable[[], None]:
    return lambda: setattr(node, name, value)


def _both(first: Callable[[], None], second: Callable[[], None]) -> Callable[[], None]:
    return lambda: (first(), second())[0]
