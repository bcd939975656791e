"""The tables of a comparison: how each arm was made, every measure of it, and the differences."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from MRIColorizeLib.tissue import NAMES
from training.measure.arms.assessment import BY_TISSUE
from training.measure.arms.manifest import Arm
from training.measure.arms.records import Record
from training.measure.colorings.conditions import CONDITIONS, PLAIN
from training.measure.colorings.scores import Measure
from training.measure.colorings.stacks import NATURAL
from training.measure.metrics.statistics import SMALLEST_SAMPLE
from training.measure.report.markdown import MISSING, table, told, told_p
from training.measure.report.numbers import ALL, KINDS, MEASURES, Evidence

NOT_RUN = "not run"
M = Measure
# Colour and structure side by side in every table.
IN_BODY = (
    *(M.CIEDE2000, M.TISSUE, M.TISSUE_OF_COLORS, M.DCF_BODY, M.DCF_REGION, M.CF_BODY),
    *(M.CONTRAST, M.AGREEMENT, M.CHANCE, M.AGREEMENT_OF_COLORS, M.CONFIDENCE, M.KEPT, M.AWAY),
    *(M.NCC2, M.SSIM_BODY, M.MS_SSIM_BODY, M.STSIM1_BODY, M.FLICKER, M.KID),
)
WHOLE = (
    *(M.CIEDE2000, M.DCF_SLICE, M.CF_SLICE, M.NCC2),
    *(M.SSIM_SLICE, M.MS_SSIM_SLICE, M.STSIM1_SLICE),
)
Labels = dict[str, str]  # of the measures, by key


def labels(measures: Sequence[Measure]) -> Labels:
    """What the columns of these measures are called."""
    return {measure.key: measure.label for measure in measures}


BY_TISSUES = {f"{BY_TISSUE}{name}": name for name in NAMES}


def overview_table(found: Sequence[Evidence]) -> str:
    """What of every comparison was run, with a link to its page."""
    rows = []
    for evidence in found:
        comparison = evidence.comparison
        trained = {arm.name: len(evidence.records[arm.name]) for arm in evidence.arms if arm.config}
        seeds = len(comparison.seeds)
        left = [
            f"{name} ({count} of {seeds} seeds run)" if count else name
            for name, count in trained.items()
            if count < seeds
        ]
        rows.append(
            [
                f"[{comparison.title}]({comparison.name}.md)",
                comparison.reference,
                f"{len(trained) - len(left)} of {len(trained)}",
                str(seeds),
                ", ".join(left) or MISSING,
            ]
        )
    header = ["comparison", "reference", "trained arms, run", "seeds", "not run"]
    said = "Arms that are trained here; finished models and other systems are not counted."
    return table(header, rows, said)


def arms_table(evidence: Evidence) -> str:
    """How long every arm was trained, on what; or why there is nothing of it."""
    header = ["arm", "what it is", "parameters", "seeds", "slices seen", "steps"]
    header += ["minutes", "hardware"]
    rows = [_arm_row(arm, evidence) for arm in evidence.arms]
    return table(header, rows, "Slices and steps are of each seed, minutes the mean over seeds.")


def measure_table(evidence: Evidence, summary: pd.DataFrame, columns: Labels) -> str:
    """A part of the summary: a row an arm's colouring, a column a measure that is defined."""
    known = summary[summary["measure"].isin(columns)]
    several = [name for name in ("condition", "contrast", "arm") if known[name].nunique() > 1]
    keys = [*several, "method"]
    rows = []
    for names, part in known.groupby(keys, sort=False):
        cells = {row.measure: _cell(row) for row in part.itertuples()}
        told_names = dict(zip(keys, names, strict=True))
        if "condition" in told_names:
            told_names["condition"] = CONDITIONS[told_names["condition"]].title
        units = str(part["units"].max())
        rows.append([*told_names.values(), units, *(cells.get(key, MISSING) for key in columns)])
    header = [*several, "colouring", "units", *columns.values()]
    kind = known["kind"].iloc[0] if len(known) else ""
    return table(header, rows, caption(evidence, kind)) if rows else ""


def difference_table(evidence: Evidence, kind: str) -> str:
    """Every difference, a row each; bold where test and interval tell it from chance."""
    rows = []
    for row in evidence.differences[evidence.differences["kind"] == kind].itertuples():
        measure = MEASURES[row.measure]
        change = told(row.difference, row.low, row.high, measure.digits, "+")
        effects = [MISSING, MISSING]  # of a few units they mislead
        if row.units >= SMALLEST_SAMPLE:
            effects = [_signed(row.rank_biserial, 2), _signed(row.cohen_dz, 1)]
        what = row.arm if row.method == NATURAL else row.method
        where = CONDITIONS[row.condition].title
        against = CONDITIONS[row.reference].title if row.reference in CONDITIONS else row.reference
        change = f"**{change}**" if row.clear == "true" else change
        cells = [where, what, against, str(row.units), change, told_p(row.p_holm), *effects]
        rows.append([measure.label, *cells])
    header = ["measure", "condition", "of", "minus", "units", "difference", "p (Holm)"]
    return table([*header, "rank-biserial", "Cohen's dz"], rows, caption(evidence, kind))


def invariance_table(evidence: Evidence) -> str:
    """How much the colours of MRI change when nothing of the tissue did."""
    scores = evidence.scores
    probed = scores[scores["measure"].str.contains(r"^(?:network|engine): ", regex=True)]
    rows = [
        [str(arm), str(change), str(len(of)), f"{of.mean():.1f}", f"{of.max():.1f}"]
        for (arm, change), of in probed.groupby(["arm", "measure"])["value"]
    ]
    header = ["arm", "change", "slices", "CIEDE2000", "largest"]
    return table(header, rows, f"Natural colours of MRI; {evidence.split} part.")


def caption(evidence: Evidence, kind: str) -> str:
    """Under every table: how much was measured, budget, hardware."""
    records = [r for records in evidence.records.values() for r in records]
    said = f"{KINDS.get(kind, kind)}, {evidence.split} part."
    titles = dict.fromkeys(r.title for r in records if r.training is None)
    if titles:
        said += f" {', '.join(titles)}."
    trained = [r.training for r in records if r.training]
    if trained:
        minutes = [t.seconds / 60 for t in trained]
        hardware = "; ".join(sorted({t.hardware for t in trained}))
        seen = " or ".join(f"{number:,}" for number in sorted({t.samples for t in trained}))
        low, high = f"{min(minutes):.0f}", f"{max(minutes):.0f}"
        span = low if low == high else f"{low} to {high}"
        said += f" Each trained arm saw {seen} slices in {span} minutes on {hardware}."
    return said


def plain(evidence: Evidence, kind: str, single: bool = False) -> pd.DataFrame:
    """The summary of a kind as it is: of all contrasts together, or of each."""
    found = evidence.summary
    alone = (found["contrast"] != ALL) == single
    return found[(found["kind"] == kind) & (found["condition"] == PLAIN) & alone]


def changed(evidence: Evidence, kind: str) -> pd.DataFrame:
    """The summary of a kind under all other conditions; of the colourings, the modes and some."""
    found = evidence.summary
    return found[(found["kind"] == kind) & (found["condition"] != PLAIN)]


def _arm_row(arm: Arm, evidence: Evidence) -> list[str]:
    records = evidence.records[arm.name]
    if not records:
        reason = arm.absent
        if arm.name in evidence.left_out:
            reason = "measured on other data than the other arms"
        why = f"{NOT_RUN}: {reason}" if reason else NOT_RUN
        return [arm.name, arm.title, MISSING, why, *[MISSING] * 4]
    trained = [r.training for r in records if r.training]
    size = f"{records[0].parameters:,}" if records[0].parameters else MISSING
    if not trained:
        return [arm.name, arm.title, size, MISSING, *["see its card"] * 3, MISSING]
    return [
        arm.name,
        arm.title,
        size,
        f"{len(trained)} of {len(evidence.comparison.seeds)}",
        f"{trained[0].samples:,}",
        f"{trained[0].steps:,}",
        minutes(records),
        "; ".join(sorted({t.hardware for t in trained})),
    ]


def minutes(records: Sequence[Record]) -> str:
    """Mean training time over seeds."""
    seconds = [r.training.seconds for r in records if r.training]
    return f"{sum(seconds) / len(seconds) / 60:.1f}" if seconds else MISSING


def _cell(row: object) -> str:
    measure = MEASURES.get(row.measure)  # type: ignore[attr-defined]
    digits = measure.digits if measure else 1
    return told(row.mean, row.low, row.high, digits)  # type: ignore[attr-defined]


def _signed(value: float | None, digits: int) -> str:
    return MISSING if value is None or np.isnan(value) else f"{value:+.{digits}f}"
