"""The size at which a network sees a slice: one rule for training and use."""

from __future__ import annotations

from dataclasses import dataclass

# Black border kept around the body, so that the network sees its outline.
MARGIN_MM = 6.0


@dataclass(frozen=True)
class Scale:
    """The longer side of a section, its margin included, spans `pixels` pixels, within bounds.

    least_mm, most_mm: the bounds in millimetres a pixel; where they are equal, all sections are
    seen at that size.
    """

    pixels: int
    least_mm: float
    most_mm: float

    @classmethod
    def fixed(cls, spacing_mm: float) -> Scale:
        """The same millimetres a pixel for every section."""
        return cls(1, spacing_mm, spacing_mm)

    def spacing_mm(self, height_mm: float, width_mm: float) -> float:
        """Millimetres a pixel for a section of that size."""
        return min(max(max(height_mm, width_mm) / self.pixels, self.least_mm), self.most_mm)
