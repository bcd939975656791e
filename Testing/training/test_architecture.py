"""The architecture audit: counts against theory and torch's own counter, and the committed page."""

import dataclasses
import json
from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from MRIColorizeLib.generator import DualDecoderGenerator
from MRIColorizeLib.generator_config import GeneratorConfig
from MRIColorizeLib.model import find_model, read_card
from training.__main__ import main
from training.architecture.command import FOUND
from training.architecture.differences import REASONS, TOGETHER, TOGETHER_FIELDS, differences
from training.architecture.layers import layer_rows
from training.architecture.page import Audit, architecture_page
from training.architecture.receptive import receptive_fields
from training.experiments.manifest import read_manifest

ROOT = Path(__file__).resolve().parents[2]
PUBLISHED = GeneratorConfig.published()
OTHERS = {
    "default": GeneratorConfig(),
    "published": PUBLISHED,
    "ungated single decoder": GeneratorConfig(
        width=4, attention=False, decoders="single", cross_skips=False, multi_scale=False
    ),
    "transposed with batch norm": GeneratorConfig(width=4, upsample="transposed", skips=False),
}


@pytest.fixture(scope="module")
def published():
    return Audit.of(PUBLISHED)


def test_the_published_network_has_the_known_counts(published):
    assert published.stored == pytest.approx(46.5e6, rel=0.002)
    assert published.parameters == pytest.approx(4.0e6, rel=0.005)
    assert published.multiply_adds == pytest.approx(24.9e9, rel=0.002)
    assert published.unused / published.stored == pytest.approx(0.91, abs=0.005)


def test_the_published_network_sees_38_pixels_and_182_with_its_convolutions_in_use(published):
    assert published.field == 38
    # Two 3x3 convolutions in nine blocks, at a quarter of the resolution: 9 x 2 x 2 x 4 more.
    mixing = receptive_fields(dataclasses.replace(PUBLISHED, residual_convs=True))
    assert mixing["semantic.output"] == 38 + 9 * 2 * 2 * 4


@pytest.mark.parametrize("config", OTHERS.values(), ids=OTHERS.keys())
def test_every_parameter_and_multiply_add_is_in_a_row(config):
    rows = layer_rows(config, side=32)
    network = DualDecoderGenerator(config).eval()
    assert sum(row.parameters for row in rows) == sum(p.numel() for p in network.parameters())
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network._decode(torch.ones(1, 1, 32, 32), None)
    counted = counter.get_total_flops()
    # The mean over the body inside a gate is a matrix product to torch.
    pooled = _pooling(config, rows) if config.pool == "body" else 0
    assert 2 * sum(row.multiply_adds for row in rows) == counted - pooled


def _pooling(config, rows):
    """Flops of the means over the body: a product of (1, hw) and (hw, C) in each gate."""
    if not config.attention:
        return 0
    gated = [row for row in rows if "gate" in row.what]
    return sum(2 * row.shape[0] * row.shape[1] * row.shape[2] for row in gated)


def test_shapes_and_layers_are_those_of_a_hand_count():
    rows = {row.name: row for row in layer_rows(GeneratorConfig(), side=64)}
    assert rows["encoder.stem"].shape == (16, 64, 64)
    assert rows["encoder.stem"].parameters == 16 * 49 + 16 + 2 * 16  # weights, biases, batch norm
    assert rows["encoder.stem"].multiply_adds == 64 * 64 * 16 * 49
    assert rows["encoder.blocks.2"].shape == (64, 16, 16)
    assert rows["encoder.blocks.2"].what.startswith("x + (3x3 64>64 dilated 4, 3x3 64>64)")
    assert rows["semantic.output"].shape == (13, 64, 64)


def test_what_lies_outside_the_field_changes_nothing_and_what_lies_inside_may():
    config = GeneratorConfig(
        width=2, branch_width=2, blocks=2, attention=False, pool="slice", head="rgb"
    )
    field = receptive_fields(config)["color.output"]
    torch.manual_seed(0)
    network = DualDecoderGenerator(config).double().eval()
    side, place = 256, 130
    x = torch.rand(1, 1, side, side, dtype=torch.float64)
    before = network(x).color[0, :, place, place]

    def after(start, stop):
        changed = torch.rand_like(x)
        changed[..., start:stop, start:stop] = x[..., start:stop, start:stop]
        return network(changed).color[0, :, place, place]

    assert torch.equal(before, after(place - field, place + field))
    assert not torch.equal(before, after(place - field // 4, place + field // 4))


def test_a_field_wider_than_the_probe_is_refused():
    with pytest.raises(ValueError, match="wider than the probe"):
        receptive_fields(GeneratorConfig(), side=64)


def test_every_field_that_differs_has_a_reason():
    ours = GeneratorConfig.checked(read_card(find_model()).generator)
    named = {difference.field: difference for difference in differences(ours, PUBLISHED)}
    for field in dataclasses.fields(GeneratorConfig):
        if getattr(ours, field.name) != getattr(PUBLISHED, field.name):
            assert named[field.name].reason.why
    assert set(REASONS) <= {field.name for field in dataclasses.fields(GeneratorConfig)}
    assert list(differences(PUBLISHED, PUBLISHED)) == []


def test_the_committed_page_is_what_the_code_counts(tmp_path, capsys):
    committed = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    found = json.loads(FOUND.read_text(encoding="utf-8"))
    assert committed == architecture_page(read_card(find_model()), found), (
        "make it again: python -m training architecture --out docs/architecture.md"
    )
    assert main(["architecture", "--out", str(tmp_path / "page.md")]) == 0
    assert (tmp_path / "page.md").read_text(encoding="utf-8") == committed


def test_what_the_experiments_found_stands_in_the_row_of_its_field():
    card = read_card(find_model())
    told = {"decoders": {"single_decoder": {"trained": "3 seeds", "text": "Worse in colour."}}}
    said = "[Experiments](experiments/README.md), arm single_decoder, 3 seeds: Worse in colour."
    (row,) = (line for line in architecture_page(card, told).splitlines() if said in line)
    assert row.startswith("| `decoders` |")
    assert "single_decoder" not in architecture_page(card, {})


def test_every_arm_that_a_difference_names_is_in_the_manifest():
    comparisons = {c.name: c.arms for c in read_manifest().comparisons}
    for reason in REASONS.values():
        assert all(arm in comparisons[comparison] for comparison, arm in reason.arms)


def test_the_fields_that_were_measured_at_once_are_those_in_which_the_two_arms_differ():
    comparison, arm = TOGETHER
    (compared,) = (c for c in read_manifest().comparisons if c.name == comparison)
    ours, theirs = (
        read_manifest().arms[name].settings(1).generator for name in (compared.reference, arm)
    )
    names = [field.name for field in dataclasses.fields(GeneratorConfig)]
    differ = {name for name in names if getattr(ours, name) != getattr(theirs, name)}
    assert differ == set(TOGETHER_FIELDS)
    for name in differ - {"blocks"}:
        assert getattr(theirs, name) == getattr(PUBLISHED, name)
    told = {comparison: {arm: {"trained": "1 seed", "text": "Worse in colour."}}}
    page = architecture_page(read_card(find_model()), told)
    assert "arm published_small against paper_small, 1 seed: Worse in colour." in page
    assert page.count("With others at once: below the table.") == len(TOGETHER_FIELDS)


def test_findings_that_are_not_there_are_missed_in_one_line(tmp_path, capsys):
    assert main(["architecture", "--findings", str(tmp_path / "none.json")]) == 2
    assert "write it by experiments --report" in capsys.readouterr().err


def test_a_model_that_is_not_there_is_refused_in_one_line(tmp_path, capsys):
    assert main(["architecture", "nobody", "--out", str(tmp_path / "page.md")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "page.md").exists()
