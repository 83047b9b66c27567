"""Writes the chain as files for `supabase db push`, and tells which of them are missing or differ.

export(Path("."))    # writes supabase/migrations/<revision>_<title>.sql
compare(Path("."))   # for CI
"""

from dataclasses import dataclass
from pathlib import Path

from tripwire_db import migrations
from tripwire_db.errors import InvalidInput
from tripwire_db.schema.project import COURSE
from tripwire_db.schema.runner.limits import Limits
from tripwire_db.schema.runner.migration_file import MigrationFile, migration_files

__all__ = ["Comparison", "compare", "export"]

_PLACE = Path("supabase") / "migrations"


@dataclass(frozen=True, slots=True)
class Comparison:
    """How a folder compares with the chain; names of files.

    Attributes:
        missing: Revisions without a file.
        changed: Files that say something else.
        extra: Files of a revision's version under another name; `db push` refuses two of one version.
        same: Files that are right.
    """

    missing: tuple[str, ...]
    changed: tuple[str, ...]
    extra: tuple[str, ...]
    same: tuple[str, ...]

    @property
    def differs(self) -> bool:
        """Whether anything has to be written or removed."""
        return bool(self.missing or self.changed or self.extra)


def compare(folder: Path, *, plain_indexes: bool = False) -> Comparison:
    """Compare the files of a project of Supabase with the chain; files of other versions are not looked at.

    Args:
        folder: That which holds `supabase/`.
        plain_indexes: As the files were written.

    Raises:
        InvalidInput: It is `supabase/` itself, or the folder of migrations in it.

    Examples:
        >>> compare(Path("shop")).differs  # doctest: +SKIP
        False
    """
    return _compare(_place(folder), _files(plain_indexes=plain_indexes))


def export(folder: Path, *, plain_indexes: bool = False) -> Comparison:
    """Write `supabase/migrations/<revision>_<title>.sql`, one file a revision; the same bytes when it runs again.

    Args:
        folder: That which holds `supabase/`; made where it is missing.
        plain_indexes: Without CONCURRENTLY, for a CLI before 2.122.1; writers wait while an index is built.

    Returns:
        How the folder compared before: `missing` and `changed` were written.

    Raises:
        InvalidInput: A file has a revision's version and another name: remove it. Nothing was written. Or the folder
            cannot be written to, or it is `supabase/` itself.

    Examples:
        >>> export(Path("shop")).missing  # doctest: +SKIP
        ()
    """
    place = _place(folder)
    files = _files(plain_indexes=plain_indexes)
    found = _compare(place, files)
    if found.extra:
        raise InvalidInput(
            f"{place}: {', '.join(found.extra)}: the version of a revision under another name. Remove it, then export again"
        )
    wanted = {*found.missing, *found.changed}
    try:
        place.mkdir(parents=True, exist_ok=True)
        for file in files:
            if file.name in wanted:
                (place / file.name).write_text(file.sql, encoding="utf-8", newline="\n")
    except OSError as error:
        raise InvalidInput(f"{place} cannot be written: {error.strerror}") from error
    return found


def _place(folder: Path) -> Path:
    """The folder of migrations; refuses what would end up as `supabase/supabase/migrations`."""
    whole = folder.absolute()
    for inner in (whole, whole.parent):
        is_project = (inner / "config.toml").exists() or any((inner / _PLACE.name).glob("*.sql"))
        if inner.name == _PLACE.parent.name and is_project:
            raise InvalidInput(
                f"{folder} is inside a project of Supabase: name the folder that holds supabase/, {inner.parent}"
            )
    return folder / _PLACE


def _files(*, plain_indexes: bool) -> list[MigrationFile]:
    return list(migration_files(migrations.config(), COURSE, Limits(), plain_indexes=plain_indexes))


def _compare(place: Path, files: list[MigrationFile]) -> Comparison:
    names, versions = {file.name for file in files}, {file.version for file in files}
    missing, changed, same = [], [], []
    for file in files:
        path = place / file.name
        if not path.exists():
            missing.append(file.name)
        elif path.read_bytes() != file.sql.encode():
            changed.append(file.name)
        else:
            same.append(file.name)
    present = sorted(path.name for path in place.glob("*.sql")) if place.is_dir() else []
    extra = [name for name in present if name not in names and name.partition("_")[0] in versions]
    return Comparison(tuple(missing), tuple(changed), tuple(extra), tuple(same))
