"""What players send, in whole milliseconds: many short stretches, near one another, near the ends, and wild claims."""

from hypothesis import strategies as st

from tests.backend.video.model import Range

DURATION = 60
"""Seconds of the lesson in most properties: short, so that a bitmap is cheap and edges are met."""


def ranges(duration: int = DURATION) -> st.SearchStrategy[Range]:
    """A stretch that is neither empty nor too far past the end; many begin or end within a gap's size of others."""
    last = duration * 1000 + 1999
    edges = st.sampled_from([0, 1, 999, 1000, 1001, 2000, 2001, 30_000, duration * 1000 - 1, duration * 1000])
    points = st.one_of(st.integers(0, last), edges, st.integers(0, last // 500).map(lambda n: n * 500))
    return (
        st.tuples(points, st.one_of(st.integers(1, 4000), st.integers(1, last)))
        .map(lambda pair: (pair[0], min(pair[0] + pair[1], last)))
        .filter(lambda pair: pair[0] < pair[1])
    )


def payloads(duration: int = DURATION) -> st.SearchStrategy[list[Range]]:
    """The stretches of one call; none is a keep-alive."""
    return st.lists(ranges(duration), max_size=6)


def sessions(duration: int = DURATION, *, most: int = 8) -> st.SearchStrategy[list[tuple[int, list[Range]]]]:
    """Calls one after another: milliseconds that pass before each (a negative number sets the clock back), and its stretches."""
    pauses = st.one_of(
        st.sampled_from([0, 1, 10_000, 60_000, 119_999, 120_000, 121_000, 3_600_000]),
        st.integers(-5_000, 200_000),
    )
    return st.lists(st.tuples(pauses, payloads(duration)), min_size=1, max_size=most)
