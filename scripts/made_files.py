"""Write files that a script makes, or say which differ from what it would make: the ending of golden-sql, unasync, erd."""

from collections.abc import Iterable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def settle(arguments: list[str], script: str, folder: Path, made: Mapping[str, str], there: Iterable[Path]) -> int:
    """Bring a folder to what was made, or with `--check` only compare.

    Args:
        arguments: Of the command line: `--check`, or none.
        script: Its name, for messages.
        folder: Where the files belong.
        made: The files' texts, by name.
        there: The files that the script may have made before; what is made no more is removed.

    Returns:
        The exit code: 1 where `--check` found a difference, 2 for another argument, else 0.
    """
    if arguments not in ([], ["--check"]):
        print(f"scripts/{script}: no argument, or --check")
        return 2
    texts = {path.name: path.read_text(encoding="utf-8") for path in there if path.exists()}
    stale = sorted(name for name in made.keys() | texts.keys() if made.get(name) != texts.get(name))
    folder.mkdir(exist_ok=True)
    for name in stale:
        path = (folder / name).relative_to(ROOT)
        if arguments:
            print(f"{path} is not what scripts/{script} makes: run it, and commit")
            continue
        print(path)
        if name in made:
            (folder / name).write_text(made[name], encoding="utf-8")
        else:
            (folder / name).unlink()
    return 1 if stale and arguments else 0
