"""Parts of a long stack of slices: slabs for validation and test, and gaps that nobody uses."""

from __future__ import annotations

PERIOD_MM = 240.0  # a body of 1.8 m gives eight test slabs this way
# (part, from, to) in mm within a period. Neighbours of a held-out slab would show the same organs.
PLAN = (("train", 0.0, 168.0), ("val", 180.0, 192.0), ("test", 204.0, 228.0))


def slab_split(count: int, slice_mm: float) -> dict[str, tuple[int, ...]]:
    """Indices of train, val and test among `count` slices that lie `slice_mm` apart.

    A stack shorter than 180 mm is all for training.
    """
    parts: dict[str, list[int]] = {part: [] for part, _, _ in PLAN}
    for index in range(count):
        place = index * slice_mm % PERIOD_MM
        for part, start, end in PLAN:
            if start <= place < end:
                parts[part].append(index)
    return {part: tuple(indices) for part, indices in parts.items() if indices}
