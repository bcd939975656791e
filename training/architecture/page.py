"""The audit written down as Markdown: two networks layer by layer, and where they differ."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from MRIColorizeLib.generator_config import GeneratorConfig
from MRIColorizeLib.model import ModelCard
from training.architecture.differences import (
    NOT_MEASURED,
    TOGETHER,
    TOGETHER_FIELDS,
    Difference,
    differences,
)
from training.architecture.layers import SIDE, LayerRow, layer_rows, unused_parameters
from training.architecture.receptive import receptive_fields
from training.evaluate.blocks import Block, Heading, Table, Text, as_markdown

PAPER = "[Mathur et al. 2025](https://arxiv.org/abs/2412.10452)"
LINK = "[Experiments](experiments/README.md)"
Findings = Mapping[str, Mapping[str, Mapping[str, str]]]  # by comparison and arm
HEADER = ("layer", "what", "output", "parameters", "million multiply-adds", "sees, px")


@dataclass(frozen=True)
class Audit:
    """A network's layers, the field of view of each, and weights stored without use."""

    rows: Sequence[LayerRow]
    fields: Mapping[str, int]
    unused: int

    @classmethod
    def of(cls, config: GeneratorConfig) -> Audit:
        return cls(layer_rows(config), receptive_fields(config), unused_parameters(config))

    @property
    def parameters(self) -> int:
        """Of all that runs."""
        return sum(row.parameters for row in self.rows)

    @property
    def stored(self) -> int:
        """What runs and what is stored beside it."""
        return self.parameters + self.unused

    @property
    def multiply_adds(self) -> int:
        return sum(row.multiply_adds for row in self.rows)

    @property
    def after_fusion(self) -> int:
        """Multiply-adds of what the authors' forward pass does once more for its second picture."""
        parts = ("encoder.blocks.", "semantic.")
        return sum(row.multiply_adds for row in self.rows if row.name.startswith(parts))

    @property
    def field(self) -> int:
        """What the picture sees of the slice, in pixels a side."""
        return max(self.fields.values())


def architecture_page(card: ModelCard, found: Findings) -> str:
    """The whole page for the network of a model's card.

    found: findings.json of the experiments' report.
    """
    ours = GeneratorConfig.checked(card.generator)
    published = GeneratorConfig.published()
    mixing = dataclasses.replace(published, residual_convs=True)
    audits = Audit.of(ours), Audit.of(published), Audit.of(mixing)
    return as_markdown(_blocks(card, ours, published, *audits, found))


def _blocks(
    card: ModelCard,
    ours: GeneratorConfig,
    published: GeneratorConfig,
    mine: Audit,
    theirs: Audit,
    mixing: Audit,
    found: Findings,
) -> list[Block]:
    return [
        Heading("The network, layer by layer", 1),
        Text(
            f"The generator of the model that ships ({card.name} {card.version}) beside the one "
            f"that the authors of {PAPER} published (`GeneratorConfig.published()`). Counted from "
            "the code by `python -m training architecture --out docs/architecture.md`; a test "
            "compares this page with what the code counts."
        ),
        _summary(mine, theirs, mixing),
        Text(
            f"One slice of {SIDE}x{SIDE}. Multiply-adds are those of convolutions and linear "
            "layers; norms, activations, resizes and the scaling by gates are not counted. *Sees* "
            "is the side of the square of the input that can change one value of the layer, the "
            "largest over the places of a 4x4 cell, from the gradient of the same layers with "
            "equal positive weights; gates and instance norms, which see the whole slice or body "
            "through their means, are left out."
        ),
        Text(
            "The authors' code keeps two convolutions in each of its nine residual blocks and "
            "calls none of them; their parameters are *stored*, not *in use*. It runs its one set "
            "of blocks and decoder twice for two equal pictures, which is the second count of "
            "multiply-adds. The third column is their network with those convolutions called and "
            "one decoder, as the paper draws it."
        ),
        Heading("Every difference"),
        _differences(ours, published, found),
        *_together(found),
        Text(
            "*Not measured yet* stands where no comparison on equal terms has been run; "
            "*experiments* for arms of the small preset against ours of the same preset and "
            "20,000 slices; *prototype* for a run of 3 to 15 minutes on a processor with one seed, "
            "whose ranking counts and whose levels do not."
        ),
        Heading(f"Ours: {card.name} {card.version}"),
        _layers(mine, f"{card.name} {card.version}"),
        Heading("The published network"),
        _layers(theirs, "GeneratorConfig.published(), one decoder"),
        Text(
            "`a>b` are channels in and out, `/2` a stride of 2; a block has two convolutions one "
            "after the other. A gate is compression-and-activation (squeeze-and-excitation)."
        ),
    ]


def _summary(mine: Audit, theirs: Audit, mixing: Audit) -> Table:
    def millions(value: int) -> str:
        return f"{value / 1e6:.2f} M"

    def billions(value: int) -> str:
        return f"{value / 1e9:.1f} G"

    audits = (mine, theirs, mixing)
    twice = theirs.multiply_adds + theirs.after_fusion
    rows = [
        ["parameters in use", *(millions(audit.parameters) for audit in audits)],
        ["parameters stored", *(millions(audit.stored) for audit in audits)],
        ["multiply-adds", *(billions(audit.multiply_adds) for audit in audits)],
        ["multiply-adds for two pictures", billions(mine.multiply_adds), billions(twice), "–"],
        ["sees, px", *(str(audit.field) for audit in audits)],
    ]
    header = ("", "ours", "published", "published, blocks in use")
    return Table(header, rows, f"one slice of {SIDE}x{SIDE}")


def _measured(difference: Difference, found: Findings) -> str:
    """What is known, the experiments' own words among it."""
    reason = difference.reason
    told = [reason.measured] if reason.measured else []
    for comparison, arm in reason.arms:
        if one := found.get(comparison, {}).get(arm):
            told.append(f"{LINK}, arm {arm}, {one['trained']}: {one['text']}")
    if difference.field in TOGETHER_FIELDS and _of(TOGETHER, found):
        told.append("With others at once: below the table.")
    return " ".join(told) or NOT_MEASURED


def _together(found: Findings) -> list[Block]:
    """What the fields brought that were changed at once."""
    one = _of(TOGETHER, found)
    if one is None:
        return []
    fields = ", ".join(f"`{field}`" for field in TOGETHER_FIELDS)
    return [
        Text(
            f"At once, with the paper's losses and optimizer, the authors' values of {fields} "
            f"against ours: {LINK}, arm {TOGETHER[1]} against paper_small, {one['trained']}: "
            f"{one['text']}"
        )
    ]


def _of(place: tuple[str, str], found: Findings) -> Mapping[str, str] | None:
    comparison, arm = place
    return found.get(comparison, {}).get(arm)


def _differences(ours: GeneratorConfig, published: GeneratorConfig, found: Findings) -> Table:
    rows = [
        [
            f"`{difference.field}`",
            difference.ours,
            difference.published,
            difference.reason.why,
            _measured(difference, found),
        ]
        for difference in differences(ours, published)
    ]
    header = ("field", "ours", "published", "why", "measured")
    return Table(header, rows, "fields of GeneratorConfig; each can be changed in a configuration")


def _layers(audit: Audit, caption: str) -> Table:
    rows = [
        [
            f"`{row.name}`",
            row.what,
            "x".join(map(str, row.shape)),
            f"{row.parameters:,}".replace(",", " "),
            f"{row.multiply_adds / 1e6:.1f}",
            str(audit.fields[row.name]),
        ]
        for row in audit.rows
    ]
    return Table(HEADER, rows, caption)
