"""From stretches to time that counts: the queries of a heartbeat, one after another.

    merged → counted → watched

Everything is in whole milliseconds. Gaps close by widening each range's end by the tolerance, merging, and narrowing
again. What counts is bounded by an allowance, so a claim of the whole video counts no more than a person can watch.

What a statement costs is mostly the start of its plan: so there are few queries, each of one row, that carry few columns.
"""

from functools import reduce
from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, and_, case, func, literal_column, or_, select, true
from sqlalchemy.dialects.postgresql import INT8MULTIRANGE, INT8RANGE, JSONB

from tripwire_db.engine.statement import param

# Older backends stored what they liked; only objects with two numbers can be read. Without the first condition a list
# in a list would pass, for whose missing numbers `greatest` and `least` would put the whole video.
_READABLE = """
    '$[*] ? (@.type() == "object" && @.start.type() == "number" && @.end.type() == "number")'::jsonpath"""


def merged(video: sa.CTE) -> Any:
    """One row: the set as JSON and its length, the allowance, beside what was there before."""
    union = _union(video)
    # Until our first call the duration is the player's idea of it.
    duration_changed = and_(
        video.c.last_seen_at.is_not(None), video.c.video_duration_seconds != video.c.duration_seconds
    )
    # Of a video that was cut, only what is left of the set can count; what was shown and qualified before stays.
    kept_ms = case((duration_changed, func.least(video.c.counted_ms, union.c.unique_ms)), else_=video.c.counted_ms)
    return select(
        video.c.id.label("video_id"),
        union.c.segments,
        union.c.unique_ms,
        kept_ms.label("kept_ms"),
        _allowance_ms(video).label("allowance_ms"),
        func.greatest(video.c.last_seen_at, video.c.at).label("last_seen_at"),
        video.c.counted_ms.label("counted_before_ms"),
        video.c.is_qualified_for_completion.label("qualified_before"),
        *(video.c[name] for name in _CARRIED),
    ).select_from(sa.join(video, union, true()))


_CARRIED = (
    "total_watched_seconds", "watch_percentage", "searchable", "user_id", "at", "lesson_id", "module_id",
    "duration_seconds", "duration_ms", "progress_status",
)  # fmt: skip


def _union(video: sa.CTE) -> Any:
    """What is stored and what is reported, merged: the set as JSON, in seconds, and its length."""
    gap = param("gap_ms", sa.BigInteger)
    each = func.unnest(_widened(video, gap)).table_valued(sa.column("stretch", INT8RANGE)).render_derived(name="each")
    start_ms = func.lower(each.c.stretch, type_=sa.BigInteger)
    end_ms = func.upper(each.c.stretch, type_=sa.BigInteger) - gap
    # A multirange gives its ranges in their order. As text, since jsonb_build_object looks up the types of its arguments
    # for each of them, which takes three times as long.
    part = _concatenated('{"start": ', _in_seconds(start_ms), ', "end": ', _in_seconds(end_ms), "}")
    parts = func.coalesce(func.string_agg(part, _text(", ")), _text(""))
    return (
        select(
            sa.cast(_concatenated("[", parts, "]"), JSONB).label("segments"),
            func.coalesce(sa.cast(func.sum(end_ms - start_ms), sa.BigInteger), 0).label("unique_ms"),
        )
        .select_from(each)
        .lateral("union_of_all")
    )


def _widened(video: sa.CTE, gap: ColumnElement[Any]) -> Any:
    """All stretches that can be read, clipped to the duration, each with the gap after it, as one multirange."""
    both = video.c.watched_segments + param("reported", JSONB)
    part = (
        func.jsonb_path_query(both, literal_column(_READABLE))
        .table_valued(sa.column("value", JSONB))
        .render_derived(name="part")
    )

    def milliseconds(key: str) -> ColumnElement[Any]:
        # Clipped first: what an older backend stored may be past what a bigint can hold.
        clipped = func.least(func.greatest(sa.cast(part.c.value[key], sa.Numeric), 0), video.c.duration_seconds)
        return sa.cast(clipped * 1000, sa.BigInteger)

    # OFFSET 0, so that each number is read once and not wherever it is used.
    stretch = (
        select(milliseconds("start").label("start_ms"), milliseconds("end").label("end_ms"))
        .select_from(part)
        .correlate(video)
        .offset(literal_column("0"))
        .subquery("stretches")
    )
    widened = func.range_agg(func.int8range(stretch.c.start_ms, stretch.c.end_ms + gap), type_=INT8MULTIRANGE())
    return select(widened.filter(stretch.c.start_ms < stretch.c.end_ms)).select_from(stretch).scalar_subquery()


def _text(constant: str) -> ColumnElement[str]:
    return literal_column(f"'{constant}'::text", sa.Text)


def _concatenated(*parts: str | ColumnElement[str]) -> ColumnElement[str]:
    texts = (_text(part) if isinstance(part, str) else part for part in parts)
    return reduce(lambda left, right: left.op("||", return_type=sa.Text())(right), texts)


def _in_seconds(milliseconds: ColumnElement[Any]) -> ColumnElement[str]:
    return sa.cast(func.trim_scale(milliseconds * literal_column("0.001", sa.Numeric)), sa.Text)


def _allowance_ms(video: sa.CTE) -> ColumnElement[Any]:
    """What may count by now: the first call is granted a start, later ones what has passed since."""
    # A clock that goes back gives nothing.
    since_ms = func.greatest(func.floor(func.extract("epoch", video.c.at - video.c.last_seen_at) * 1000), 0)
    earned_ms = func.least(since_ms, param("idle_cap_ms", sa.BigInteger)) * func.coalesce(_max_rate(), 0)
    granted_ms = case(
        (video.c.last_seen_at.is_(None), param("first_grant_ms", sa.BigInteger)),
        else_=sa.cast(func.floor(earned_ms), sa.BigInteger),
    )
    # Never below what is counted: a row that was counted with the rate off, or before allowances were kept, goes on from
    # there at once.
    return func.greatest(video.c.allowance_ms, video.c.counted_ms) + granted_ms


def _max_rate() -> ColumnElement[Any]:
    return sa.cast(param("max_rate", sa.Numeric), sa.Numeric)


def counted(merged: sa.CTE) -> Any:
    """The same row with what counts of the set: no more than is allowed, and never less than was kept."""
    # Without a rate nothing is held back.
    allowed_ms = case((_max_rate().is_(None), merged.c.unique_ms), else_=merged.c.allowance_ms)
    counted_ms = func.greatest(merged.c.kept_ms, func.least(merged.c.unique_ms, allowed_ms))
    columns = [column for column in merged.c if column.name != "kept_ms"]
    return select(*columns, counted_ms.label("counted_ms"))


def watched(counted: sa.CTE) -> Any:
    """The same row with what the count shows, floored, and whether it qualifies. Nothing here ever falls."""

    def whole_seconds(milliseconds: ColumnElement[Any]) -> ColumnElement[Any]:
        return sa.cast(milliseconds // literal_column("1000", sa.BigInteger), sa.Integer)

    percentage = sa.cast(counted.c.counted_ms * 100 // counted.c.duration_ms, sa.Integer)
    replaced = {"total_watched_seconds", "watch_percentage", "allowance_ms"}
    return select(
        *(column for column in counted.c if column.name not in replaced),
        func.greatest(counted.c.allowance_ms, counted.c.counted_ms).label("allowance_ms"),
        func.greatest(counted.c.total_watched_seconds, whole_seconds(counted.c.counted_ms)).label(
            "total_watched_seconds"
        ),
        (whole_seconds(counted.c.counted_ms) - whole_seconds(counted.c.counted_before_ms)).label("new_whole_seconds"),
        func.greatest(counted.c.watch_percentage, func.least(percentage, 100)).label("percentage"),
        or_(
            counted.c.qualified_before,
            counted.c.counted_ms >= counted.c.duration_ms * sa.cast(param("threshold", sa.Numeric), sa.Numeric),
        ).label("qualified"),
    )
