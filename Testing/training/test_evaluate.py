"""`python -m training.evaluate` in small: made volumes in, a report whose numbers hold together."""

import dataclasses
import hashlib
import json

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from PIL import Image
from safetensors.torch import save

import phantoms
from MRIColorizeLib.generator import DualDecoderGenerator
from MRIColorizeLib.generator_config import GeneratorConfig
from training.data.prepared import save_prepared
from training.evaluate.__main__ import main
from training.evaluate.evaluation import Spread
from training.evaluate.montage import as_seen
from training.evaluate.stacks import METHODS, contrast_and_subject, slices_with_body


def _write_model(folder, trained_on):
    """An untrained model whose card lists one file as training data."""
    config = GeneratorConfig(width=4, branch_width=4, blocks=1)
    torch.manual_seed(0)
    raw = save(DualDecoderGenerator(config).state_dict())
    folder.mkdir()
    (folder / "weights.safetensors").write_bytes(raw)
    card = {
        "name": "phantom",
        "version": "1.2.3",
        "title": "untrained",
        "licence": "CC0",
        "spacing_mm": 2.0,
        "temperature": 0.6,
        "generator": dataclasses.asdict(config),
        "weights": {
            "file": "weights.safetensors",
            "bytes": len(raw),
            "sha256": hashlib.sha256(raw).hexdigest(),
        },
        "training": {
            "data": [{"source_sha256": hashlib.sha256(trained_on.read_bytes()).hexdigest()}]
        },
    }
    (folder / "model.json").write_text(json.dumps(card))


def _write_volume(array, path):
    image = sitk.GetImageFromArray(array)
    image.SetSpacing((2, 2, 2))
    sitk.WriteImage(image, str(path))


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """A person in T1, T2 (reversed) and FLAIR (another grid), training data and a model."""
    root = tmp_path_factory.mktemp("evaluate")
    (root / "data" / "mri").mkdir(parents=True)
    head = phantoms.mri(shape=(10, 44, 40))
    t1 = head.image
    t2 = np.where(head.labels > 0, 200 - t1, 0).astype(np.float32)
    for contrast, array in (("t1", t1), ("t2", t2), ("flair", t1[:, :40])):
        _write_volume(array, root / "data" / "mri" / f"person_{contrast}.nii.gz")
    save_prepared(phantoms.training_set(), root / "prepared")
    _write_model(root / "model", root / "data" / "mri" / "person_flair.nii.gz")
    return root


def _arguments(root, out, *volumes):
    pairs = {"model": root / "model", "data": root / "data", "prepared": root / "prepared"}
    given = [text for name, path in pairs.items() for text in (f"--{name}", str(path))]
    return [*given, "--out", str(out), "--device", "cpu", "--volumes", *volumes]


@pytest.fixture(scope="module")
def out(workplace):
    folder = workplace / "out"
    names = ("person_t1", "person_t2", "person_flair")
    assert main(_arguments(workplace, folder, *names)) == 0
    return folder


@pytest.fixture(scope="module")
def report(out):
    return json.loads((out / "report.json").read_text())


def test_every_volume_has_a_row_for_every_colouring(report):
    rows = [(row["volume"], row["method"]) for row in report["stacks"]]
    volumes = ("person_t1", "person_t2", "person_flair")
    assert rows == [(volume, method) for volume in volumes for method in METHODS]


def _means(row):
    return {key: value["mean"] for key, value in row.items() if isinstance(value, dict)}


def test_the_rows_hold_what_theory_says_of_them(report):
    for row in report["stacks"]:
        means = _means(row)
        assert len(means) == 6
        assert all(np.isfinite(value) for value in means.values()), row["method"]
        if row["method"] == "grey copy":
            assert means["colorfulness_whole"] == means["colorfulness_body"] == 0
            assert row["flicker"] == pytest.approx(1, abs=0.02)
        if row["method"] in ("grey copy", "structure-locked"):
            assert means["ssim_whole"] > 0.99
            assert means["ssim_body"] > 0.99
        if row["method"] == "constant colour":
            assert means["squared_ncc"] == means["orientation"] == 0
            assert means["colorfulness_body"] > 0


def test_slices_that_hold_no_body_are_left_out_and_the_others_counted(report):
    for row in report["stacks"]:
        assert 5 <= row["slices"] <= 10
        assert row["ssim_body"]["count"] == row["slices"]


def test_only_volumes_on_one_grid_are_compared(report):
    pairs = [(row["contrasts"], row["method"]) for row in report["pairs"]]
    assert pairs == [("T1-T2", method) for method in METHODS]
    assert report["uncompared"] == ["person_t1, person_flair", "person_t2, person_flair"]


def test_pairs_have_colour_distances_and_the_model_s_tissue_agreement(report):
    pairs = {row["method"]: row for row in report["pairs"]}
    assert pairs["grey copy"]["ab"]["mean"] == pytest.approx(0, abs=0.01)
    assert pairs["grey copy"]["ciede2000"]["mean"] > 5  # the contrast is reversed
    assert pairs["constant colour"]["ciede2000"]["mean"] == 0
    assert 0 <= pairs["natural"]["share"]["mean"] <= 1
    assert pairs["natural"]["dice"]
    assert all(row["share"] is None for name, row in pairs.items() if name != "natural")


def test_a_volume_that_the_model_was_trained_on_is_named(report, out):
    assert report["known"] == ["person_flair"]
    assert "Seen in training, so no test: person_flair" in (out / "report.md").read_text()


def test_every_table_says_command_model_and_version(report, out):
    lines = (out / "report.md").read_text().splitlines()
    ends = [i for i in range(len(lines) - 1) if lines[i].startswith("|") and not lines[i + 1]]
    assert len(ends) == 4
    command = report["setting"]["command"]
    assert command.startswith("python -m training.evaluate --model ")
    for end in ends:
        assert lines[end + 2] == f"*phantom 1.2.3; `{command}`*"


def test_the_pictures_are_there_and_show_something(report, out):
    text = (out / "report.md").read_text()
    assert {path.name for path in out.glob("*.png")} == set(report["pictures"])
    assert sum(name.endswith("worst.png") for name in report["pictures"]) >= 1
    for name in report["pictures"]:
        assert f"({name})" in text
        assert np.asarray(Image.open(out / name)).std() > 5


def test_a_volume_on_another_grid_than_its_person_s_first_keeps_its_own_pictures(report):
    worst = [name for name in report["pictures"] if name.endswith("worst.png")]
    assert len(worst) == len(set(worst)) == 2


@pytest.mark.parametrize("broken", ["volume", "prepared", "model"])
def test_what_is_missing_is_said_in_one_line_and_nothing_is_written(workplace, capsys, broken):
    out = workplace / f"without_{broken}"
    arguments = _arguments(workplace, out, "nobody" if broken == "volume" else "person_t1")
    if broken != "volume":
        place = arguments.index(f"--{broken}") + 1
        arguments[place] = str(workplace / "nowhere")
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("evaluate: ")
    assert error.count("\n") == 1
    assert not out.exists()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("brain_stroke_t1", ("T1", "brain_stroke")),
        ("brain_stroke_flair", ("FLAIR", "brain_stroke")),
        ("head_t1_seg3d_defaced", ("T1", "head_seg3d_defaced")),
        ("t2", ("T2", "t2")),
        ("chest", ("?", "chest")),
    ],
)
def test_contrast_and_person_are_read_from_the_name(name, expected):
    assert contrast_and_subject(name) == expected


def test_slices_with_hardly_any_body_are_left_out():
    mask = np.zeros((3, 10, 10), dtype=bool)
    mask[0, 0, :4] = True  # 4 % of the fullest
    mask[1] = True
    np.testing.assert_array_equal(slices_with_body(mask), [1])
    assert slices_with_body(np.zeros((2, 4, 4), dtype=bool)).size == 0


def test_a_spread_leaves_undefined_slices_out():
    spread = Spread.of(np.array([1.0, np.nan, 3.0]))
    assert (spread.mean, spread.deviation, spread.count) == (2, pytest.approx(2**0.5), 2)
    assert np.isnan(Spread.of([1.0]).deviation)


@pytest.mark.parametrize("signs", [(1, 1, 1), (-1, 1, -1), (1, -1, -1)])
@pytest.mark.parametrize(
    ("plane", "order", "top", "left"),
    [("axial", (0, 1, 2), 1, 0), ("coronal", (1, 0, 2), 2, 0), ("sagittal", (2, 0, 1), 2, 1)],
)
def test_pictures_have_anterior_or_superior_on_top_and_right_or_anterior_left(
    plane, order, top, left, signs
):
    # Voxels of a 2 x 2 x 2 volume that hold their own patient coordinates.
    ijk_to_ras = np.diag([*map(float, signs), 1.0])
    k, j, i = np.mgrid[0:2, 0:2, 0:2]
    ras = np.stack([signs[0] * i, signs[1] * j, signs[2] * k])
    up = as_seen(ras[top].transpose(order)[0], plane, order, ijk_to_ras)
    towards_left = as_seen(ras[left].transpose(order)[0], plane, order, ijk_to_ras)
    assert (up[0] > up[1]).all()
    assert (towards_left[:, 0] > towards_left[:, 1]).all()
