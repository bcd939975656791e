"""Other systems that colour grey pictures: a row for each, filled or with the reason why not."""

from __future__ import annotations

from dataclasses import dataclass

from training.measure.cases.cases import MRI, SLAB
from training.measure.colorings.scores import Measure
from training.measure.evaluation.blocks import Table
from training.measure.evaluation.cells import MISSING, caption, interval
from training.measure.evaluation.evaluation import Evaluation

MEASURES = (
    Measure.CIEDE2000,
    Measure.CONTRAST,
    Measure.DCF_SLICE,
    Measure.NCC2,
    Measure.SSIM_SLICE,
    Measure.MS_SSIM_SLICE,
    Measure.STSIM1_SLICE,
)


@dataclass(frozen=True)
class System:
    """A system of others. reason: why its row may be empty, and what would fill it."""

    name: str
    licence: str
    reason: str


NATURAL_PICTURES = "weights learnt from photographs of the world; not run here"
SYSTEMS = (
    System("ChromaGAN", "AGPL-3.0", NATURAL_PICTURES),
    System("ColorFormer", MISSING, NATURAL_PICTURES),
    System("DDColor", "Apache-2.0", NATURAL_PICTURES),
    System("APS", MISSING, "neither code nor weights are public"),
    System("ALDM", MISSING, "makes MR from MR in 3D and gives no colours by itself"),
)
HOW = (
    "A row is filled by the system's own pictures: `--inputs FOLDER` writes the measured slices as "
    "grey PNG, and `--predictions FOLDER` reads what the system made of them, from a folder with "
    "the system's name. Nothing in a row is taken from a paper: the papers' data are not ours."
)


def others(evaluation: Evaluation) -> Table:
    """Every system, on the slabs and on the MRI, beside what hinders it."""
    results = evaluation.results
    known = {method.lower(): method for kind in (SLAB, MRI) for method in results.methods(kind)}
    rows = []
    for system in SYSTEMS:
        method = known.get(system.name.lower())
        if method is None:
            cells = [MISSING] * len(MEASURES)
            rows.append([system.name, MISSING, *cells, system.licence, system.reason])
            continue
        for kind in (SLAB, MRI):
            found = [results.summarize(kind, method, m) for m in MEASURES]
            if not any(found):
                continue
            cells = [interval(s, m.digits) for s, m in zip(found, MEASURES, strict=True)]
            rows.append([system.name, kind, *cells, system.licence, "its own pictures, given"])
    header = ("colouring", "measured on", *(m.label for m in MEASURES), "licence", "remark")
    return Table(header, rows, caption(evaluation.setting))
