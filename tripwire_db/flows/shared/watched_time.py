"""From stretches to time that counts: the queries of a heartbeat, one after another.

    stretches → merged → counted → watched

Everything is in whole milliseconds. Gaps close by widening each range's end by the tolerance, merging, and narrowing
again. What counts is bounded by an allowance, so a claim of the whole video counts no more than a person can watch.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy import ColumnElement, and_, case, func, literal, literal_column, or_, select, true, union_all
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, aggregate_order_by

from tripwire_db.engine.statement import param

# Older backends stored what they liked; only objects with two numbers can be read. Without the first condition a list
# in a list would pass, for whose missing numbers `greatest` and `least` would put the whole video.
_READABLE = """
    '$[*] ? (@.type() == "object" && @.start.type() == "number" && @.end.type() == "number")'::jsonpath"""


def stretches(gate: sa.CTE, video: sa.CTE) -> Any:
    """What is stored and what is reported, in milliseconds: start_ms, end_ms, both clipped to the duration."""
    part = (
        func.jsonb_path_query(video.c.watched_segments, literal_column(_READABLE))
        .table_valued(sa.column("value", JSONB))
        .render_derived(name="part")
        .lateral()
    )
    stored = select(
        *(
            func.round(sa.cast(part.c.value[key].astext, sa.Numeric) * 1000).label(f"{key}_ms")
            for key in ("start", "end")
        )
    ).select_from(sa.join(video, part, true()))
    reported = (
        func.unnest(param("starts", ARRAY(sa.BigInteger)), param("ends", ARRAY(sa.BigInteger)))
        .table_valued(sa.column("start_ms", sa.BigInteger), sa.column("end_ms", sa.BigInteger))
        .render_derived(name="reported")
    )
    both = union_all(stored, select(reported.c.start_ms, reported.c.end_ms)).subquery("both_sets")
    start = func.greatest(both.c.start_ms, 0)
    end = func.least(both.c.end_ms, gate.c.duration_ms)
    return (
        select(sa.cast(start, sa.BigInteger).label("start_ms"), sa.cast(end, sa.BigInteger).label("end_ms"))
        .select_from(sa.join(gate, both, true()))
        .where(start < end)
    )


def merged(stretches: sa.CTE) -> Any:
    """The union with its gaps closed: start_ms, end_ms, disjoint."""
    gap = param("gap_ms", sa.BigInteger)
    widened = select(
        func.unnest(func.range_agg(func.int8range(stretches.c.start_ms, stretches.c.end_ms + gap))).label("stretch")
    ).subquery("widened")
    return select(
        func.lower(widened.c.stretch, type_=sa.BigInteger).label("start_ms"),
        (func.upper(widened.c.stretch, type_=sa.BigInteger) - gap).label("end_ms"),
    )


def counted(gate: sa.CTE, video: sa.CTE, merged: sa.CTE) -> Any:
    """One row: the set as JSON, its length, the allowance, and what counts, beside what was there before."""
    union, credit = _union_of_all(merged), _credit(gate, video)
    # Without a rate nothing is held back.
    allowed_ms = case((_max_rate().is_(None), union.c.unique_ms), else_=credit.c.allowance_ms)
    # Of a video that was cut, only what is left of the set can count; what was shown and qualified before stays.
    kept_ms = case(
        (credit.c.duration_changed, func.least(credit.c.counted_before_ms, union.c.unique_ms)),
        else_=credit.c.counted_before_ms,
    )
    counted_ms = func.greatest(kept_ms, func.least(union.c.unique_ms, allowed_ms))
    return select(
        *(column for column in credit.c if column.name != "allowance_ms"),
        union,
        counted_ms.label("counted_ms"),
        func.greatest(credit.c.allowance_ms, counted_ms).label("allowance_ms"),
    ).select_from(sa.join(credit, union, true()))


def _union_of_all(merged: sa.CTE) -> sa.Subquery:
    """The set as JSON, in seconds, and its length."""

    def in_seconds(milliseconds: ColumnElement[Any]) -> ColumnElement[Any]:
        return func.trim_scale(func.round(milliseconds / literal_column("1000.0"), 3))

    stretch = func.jsonb_build_object(
        literal("start"), in_seconds(merged.c.start_ms), literal("end"), in_seconds(merged.c.end_ms)
    )
    in_order = func.jsonb_agg(aggregate_order_by(stretch, merged.c.start_ms))
    return (
        select(
            func.coalesce(in_order, literal_column("'[]'::jsonb")).label("segments"),
            func.coalesce(sa.cast(func.sum(merged.c.end_ms - merged.c.start_ms), sa.BigInteger), 0).label("unique_ms"),
        )
        .select_from(merged)
        .subquery("union_of_all")
    )


def _max_rate() -> ColumnElement[Any]:
    return sa.cast(param("max_rate", sa.Numeric), sa.Numeric)


def _credit(gate: sa.CTE, video: sa.CTE) -> sa.Subquery:
    """The allowance, beside what was there before: the first call is granted a start, later ones what has passed since."""
    # A clock that goes back gives nothing.
    since_ms = func.greatest(func.floor(func.extract("epoch", gate.c.at - video.c.last_seen_at) * 1000), 0)
    earned_ms = func.least(since_ms, param("idle_cap_ms", sa.BigInteger)) * func.coalesce(_max_rate(), 0)
    granted_ms = case(
        (video.c.last_seen_at.is_(None), param("first_grant_ms", sa.BigInteger)),
        else_=sa.cast(func.floor(earned_ms), sa.BigInteger),
    )
    # Never below what is counted: a row that was counted with the rate off, or before allowances were kept, goes on from
    # there at once.
    start_ms = func.greatest(video.c.allowance_ms, video.c.counted_ms)
    # Until our first call the duration is the player's idea of it.
    duration_changed = and_(
        video.c.last_seen_at.is_not(None), video.c.video_duration_seconds != gate.c.duration_seconds
    )
    return (
        select(
            video.c.id.label("video_id"),
            (start_ms + granted_ms).label("allowance_ms"),
            func.greatest(video.c.last_seen_at, gate.c.at).label("last_seen_at"),
            video.c.counted_ms.label("counted_before_ms"),
            duration_changed.label("duration_changed"),
            video.c.total_watched_seconds,
            video.c.watch_percentage,
            video.c.is_qualified_for_completion.label("qualified_before"),
            video.c.searchable,
            gate,
        )
        .select_from(sa.join(gate, video, true()))
        .subquery("credit")
    )


def watched(counted: sa.CTE) -> Any:
    """The same row with what the count shows, floored, and whether it qualifies. Nothing here ever falls."""

    def whole_seconds(milliseconds: ColumnElement[Any]) -> ColumnElement[Any]:
        return sa.cast(milliseconds // literal_column("1000", sa.BigInteger), sa.Integer)

    percentage = sa.cast(counted.c.counted_ms * 100 // counted.c.duration_ms, sa.Integer)
    columns = [column for column in counted.c if column.name != "total_watched_seconds"]
    return select(
        *columns,
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
