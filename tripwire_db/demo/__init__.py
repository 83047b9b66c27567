"""The whole story on one database: managers, students, honest viewing on a simulated clock, certificates.

Knows no terminal; `tripwire_db.cli.demo` draws it.

Examples:
    >>> from tripwire_db.demo import prepare, play
    >>> prepare("postgresql://postgres@localhost/scratch")
    >>> story = play("postgresql://postgres@localhost/scratch", students=20, seed=7)
    >>> story.figures.students
    20
"""

from tripwire_db.demo.scratch import prepare
from tripwire_db.demo.story import Figures, Story, play

__all__ = ["Figures", "Story", "play", "prepare"]
