"""Which bytes of a file are there, and which are missing."""

from hypothesis import given
from hypothesis import strategies as some
from modeld.downloader.plan.pieces import Pieces

ranges = some.lists(some.tuples(some.integers(0, 200), some.integers(0, 200)), max_size=20)


@given(ranges, some.integers(1, 200))
def test_pieces_and_what_is_missing_make_the_whole_file_once(added: list[tuple[int, int]], size: int):
    pieces = Pieces()
    there: set[int] = set()
    for start, end in added:
        pieces = pieces.add(start, end)
        there |= set(range(start, end))
    assert pieces.count() == len(there)
    missing = {byte for start, end in pieces.missing(size) for byte in range(start, end)}
    assert missing == set(range(size)) - there
    assert all(byte in there for byte in range(pieces.front()))
    assert list(pieces.done) == sorted(pieces.done)
