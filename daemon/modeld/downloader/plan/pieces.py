"""The byte ranges of a file that are on disk, and those that are missing."""

from collections.abc import Iterable

import msgspec

Range = tuple[int, int]
"""A half-open range of bytes: from the first to before the second."""


class Pieces(msgspec.Struct, frozen=True):
    """The ranges of a file that are on disk: sorted, apart from each other, none empty."""

    done: tuple[Range, ...] = ()

    def add(self, start: int, end: int) -> "Pieces":
        """With ``[start, end)`` there too."""
        return Pieces(_merge([*self.done, (start, end)]))

    def missing(self, size: int) -> tuple[Range, ...]:
        """The ranges of a file of ``size`` bytes that are not there, in file order."""
        gaps, position = [], 0
        for start, end in self.done:
            if start > position:
                gaps.append((position, min(start, size)))
            position = max(position, end)
        if position < size:
            gaps.append((position, size))
        return tuple(gap for gap in gaps if gap[0] < gap[1])

    def front(self) -> int:
        """How many bytes from the start are there without a hole."""
        return self.done[0][1] if self.done and self.done[0][0] == 0 else 0

    def count(self) -> int:
        """How many bytes are there in all."""
        return sum(end - start for start, end in self.done)


def _merge(ranges: Iterable[Range]) -> tuple[Range, ...]:
    merged: list[Range] = []
    for start, end in sorted(ranges):
        if start >= end:
            continue
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return tuple(merged)
