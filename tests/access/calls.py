"""How each function is called about a person."""

from typing import Any

from tests.access.matrix import CHECKING_HELPERS, TRIGGER_FUNCTIONS
from tests.access.people import person

NO_DATES = (None, None)

# The arguments that a helper has and its public function leaves to their defaults.
_HELPERS = {
    "assert_may_see_leaderboard": [],
    "sales_leaderboard": [10, *NO_DATES, "Asia/Almaty"],
    "assert_may_see_manager": [None],
    "manager_stats": [None, "Asia/Almaty", *NO_DATES],
    "sales_chart": [None, 30, "Asia/Almaty", *NO_DATES],
    "manager_activity": [None, 50, None, None, None, *NO_DATES, "Asia/Almaty"],
    "assert_may_see_student": [None],
    "video_qualification": [None, 67],
}


def arguments(function: str, about: str) -> dict[str, Any]:
    """Give the named arguments of a function of the API, asked about a person."""
    if function in TRIGGER_FUNCTIONS:
        return {}
    if function == "rpc_get_sales_leaderboard":
        return {"limit_count": 5}
    if function == "rpc_check_video_qualification":
        return {"user_id_param": str(person(about)), "lesson_id_param": 67}
    if function in ("rpc_get_sales_chart_data", "rpc_get_manager_stats", "rpc_get_manager_activity"):
        return {"manager_id_param": str(person(about))}
    raise LookupError(f"Say in tests/access/calls.py how {function} is called.")


def helper_arguments(helper: str, about: str) -> list[Any]:
    """Give the arguments of a helper that checks its caller, asked about a person."""
    assert helper in CHECKING_HELPERS
    return [person(about) if value is None and place == 0 else value for place, value in enumerate(_HELPERS[helper])]
