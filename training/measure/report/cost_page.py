"""Quality against what it costs: every network of the arms beside its memory and its time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from training.measure.arms.cost import SIDE, Cost
from training.measure.cases.cases import SLAB
from training.measure.colorings.scores import Measure
from training.measure.colorings.stacks import NATURAL
from training.measure.report.markdown import MISSING, table, told
from training.measure.report.numbers import KINDS, Evidence
from training.measure.report.tables import minutes, plain

MEASURES = (Measure.CIEDE2000, Measure.SSIM_BODY, Measure.NCC2)


def cost_parts(
    found: Sequence[Evidence], costs: Mapping[str, Cost], hardware: str
) -> Iterator[str]:
    """The page; arms that were not measured stay out of it."""
    yield "# Quality against memory and time"
    yield (
        f"One slice of {SIDE}x{SIDE} through each arm's network: float32, one thread, batch norms "
        "folded away, the median of turns that all networks took one after the other, on "
        f"{hardware}. Memory is the most that the tensors between the layers take at once. Arms "
        "that differ from small in the training alone have its network and are left out here."
    )
    header = ["arm", "parameters", "multiply-adds, billions", "memory, MB", "ms a slice"]
    header += ["minutes of training"]
    header += [f"{m.label}, {kind}" for kind in ("slabs", "MRI") for m in MEASURES]
    rows = [
        [
            arm,
            f"{cost.parameters:,}",
            f"{cost.multiply_adds / 1e9:.2f}",
            f"{cost.megabytes:.1f}",
            f"{cost.milliseconds:.0f}",
            minutes(evidence.records[arm]),
            *(_cell(evidence, arm, kind, measure) for kind in KINDS for measure in MEASURES),
        ]
        for arm, cost, evidence in _rows(found, costs)
    ]
    yield table(
        header, rows, "Natural colours; training on a shared machine: its minutes are rough."
    )


def _rows(
    found: Sequence[Evidence], costs: Mapping[str, Cost]
) -> Iterator[tuple[str, Cost, Evidence]]:
    """Every network once, by the first arm that has it; where its quality was measured."""
    seen: set[Cost] = set()
    for arm, cost in costs.items():
        for evidence in found:
            if cost not in seen and _cell(evidence, arm, SLAB, Measure.CIEDE2000) != MISSING:
                seen.add(cost)
                yield arm, cost, evidence


def _cell(evidence: Evidence, arm: str, kind: str, measure: Measure) -> str:
    part = plain(evidence, kind)
    names = (part["arm"] == arm) & (part["method"] == NATURAL) & (part["measure"] == measure.key)
    for row in part[names].itertuples():
        return told(row.mean, row.low, row.high, measure.digits)
    return MISSING
