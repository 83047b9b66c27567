"""Who may do what, in one table. Every test of access in this folder is made from it, and docs/reference/access.md is held to it.

A line is a table or a function; a column is who calls. In a cell:

    own     one's own row; in a function, oneself
    sold    the row of a student that one has sold; in a function, that student
    other   anybody else's
    all     own sold other
    write   insert, update and delete whatever one reads
    -       nothing

`unknown` has a valid token and no row in public.users; `blocked` is a student whose status is blocked. A student, a
curator and an admin of the tests all have sold somebody once: having sold gives nothing to who is no sales_manager.
Modules and lessons belong to nobody, so there the words read: all of them, or none.
"""

from dataclasses import dataclass

TABLES = """
                       anon  unknown  blocked  student  curator  tech_support  sales_manager  admin  service_role
users                  -     -        own      own      own      own           own,sold       all    all,write
tripwire_users         -     -        -        own      own      own           own,sold       all    all,write
tripwire_user_profile  -     -        -        own      own      own           own,sold       all    all,write
module_unlocks         -     -        -        own      own      own           own,sold       all    all,write
student_progress       -     -        -        own      own      own           own,sold       all    all,write
video_tracking         -     -        -        own      own      own           own,sold       all    all,write
user_achievements      -     -        -        own      own      own           own,sold       all    all,write
user_statistics        -     -        -        own      own      own           own,sold       all    all,write
certificates           -     -        -        own      own      own           own,sold       all    all,write
modules                -     -        -        all      all      all           all            all    all,write
lessons                -     -        -        all      all      all           all            all    all,write
sales_activity_log     -     -        -        -        -        -             own            all    all,write
"""

FUNCTIONS = """
                               anon  unknown  blocked  student  curator  tech_support  sales_manager  admin  service_role
rpc_get_sales_leaderboard      -     -        -        -        -        -             all            all    all
rpc_get_sales_chart_data       -     -        -        -        -        -             own            all    all
rpc_get_manager_stats          -     -        -        -        -        -             own            all    all
rpc_get_manager_activity       -     -        -        -        -        -             own            all    all
rpc_check_video_qualification  -     -        -        own      own      own           own,sold       all    all
update_updated_at_column       -     -        -        -        -        -             -              -      -
pgrst_watch                    -     -        -        -        -        -             -              -      -
pgrst_watch_drop               -     -        -        -        -        -             -              -      -
"""

NOBODYS_TABLES = ("modules", "lessons")
TRIGGER_FUNCTIONS = ("update_updated_at_column", "pgrst_watch", "pgrst_watch_drop")

# Schema tripwire is not exposed; these are the functions in it. The first kind tells a caller of oneself alone and may
# be run by everybody whose session has a person or a backend in it; the second does what a function of `public` does,
# and so must refuse whom that one refuses; the third only looks at its arguments; the fourth is run by its owner alone; the
# fifth looks into auth.users, for backends.
SELF_HELPERS = (
    "admin_highest_id",
    "admin_lowest_id",
    "caller_id",
    "caller_manager_id",
    "caller_role",
    "is_backend",
    "may_read_course",
    "readable_student_ids",
)
CHECKING_HELPERS = {
    "assert_may_see_leaderboard": "rpc_get_sales_leaderboard",
    "sales_leaderboard": "rpc_get_sales_leaderboard",
    "assert_may_see_manager": "rpc_get_manager_stats",
    "manager_stats": "rpc_get_manager_stats",
    "sales_chart": "rpc_get_sales_chart_data",
    "manager_activity": "rpc_get_manager_activity",
    "assert_may_see_student": "rpc_check_video_qualification",
    "video_qualification": "rpc_check_video_qualification",
}
ARGUMENT_HELPERS = ("assert_given", "assert_in_range")
OWNERS_HELPERS = ("assert_dates", "sales_totals", "use_time_zone")
BACKENDS_HELPERS = ("find_auth_user", "find_auth_user_by_email", "range_of_days", "schema_revision")

SUBJECTS = ("own", "sold", "other")
ACTIONS = ("select", "insert", "update", "delete")


@dataclass(frozen=True)
class Cell:
    """What one kind of caller may do with one table or function."""

    what: str
    who: str
    words: frozenset[str]

    def reads(self, subject: str) -> bool:
        """Whether the caller reads the row, or may ask about the person: own, sold or other."""
        return subject in self.words or "all" in self.words

    def allows(self, action: str, subject: str) -> bool:
        """Whether the caller may do one of ACTIONS with the row."""
        return self.reads(subject) and (action == "select" or "write" in self.words)


def cells(grid: str) -> list[Cell]:
    """Read a grid: a head line of callers, then a line for each table or function."""
    head, *lines = (line.split() for line in grid.strip().splitlines())
    return [
        Cell(what, who, frozenset(words.split(",")) - {"-"})
        for what, *row in lines
        for who, words in zip(head, row, strict=True)
    ]


def lines(grid: str) -> tuple[str, ...]:
    """Name the tables or functions of a grid."""
    return tuple(dict.fromkeys(cell.what for cell in cells(grid)))


CALLERS = tuple(dict.fromkeys(cell.who for cell in cells(TABLES)))
