"""`python -m training evaluate` in small: made data in, a report whose numbers hold together."""

import csv
import dataclasses
import hashlib
import json
import re
from unittest import mock

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from PIL import Image
from safetensors.torch import save

import phantoms
from MRIColorizeLib.network.config import GeneratorConfig
from MRIColorizeLib.network.generator import DualDecoderGenerator
from training.data.prepared import save_prepared
from training.measure.cases.synthetic import INTENSITIES
from training.measure.colorings.baselines import BASELINES
from training.measure.colorings.scores import Measure
from training.measure.colorings.stacks import MODES
from training.measure.evaluation import sizes
from training.measure.evaluation.command import main
from training.measure.evaluation.evaluation import Request, evaluate
from training.measure.evaluation.montage import as_seen
from training.measure.evaluation.report import write_report

METHODS = [*MODES, *BASELINES]
ORANGE = (200, 120, 40)


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
            "data": [{"source_sha256": hashlib.sha256(trained_on.read_bytes()).hexdigest()}],
            "notes": "never trained",
        },
    }
    (folder / "model.json").write_text(json.dumps(card))


def _write_volume(array, path):
    image = sitk.GetImageFromArray(array)
    image.SetSpacing((2, 2, 2))
    sitk.WriteImage(image, str(path))


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """A person in T1, T2 (reversed) and FLAIR (another grid), prepared data and a model."""
    root = tmp_path_factory.mktemp("evaluate")
    (root / "data" / "mri").mkdir(parents=True)
    head = phantoms.mri(shape=(8, 44, 40))
    t1 = head.image
    t2 = np.where(head.labels > 0, 200 - t1, 0).astype(np.float32)
    for contrast, array in (("t1", t1), ("t2", t2), ("flair", t1[:, :40])):
        _write_volume(array, root / "data" / "mri" / f"person_{contrast}.nii.gz")
    frames = {"train": (0,), "val": (2, 5), "test": (6, 7)}
    photographs = phantoms.cryosection(shape=(8, 45, 40), frames=frames)
    scan = phantoms.mri("other", "val", (6, 40, 36))
    save_prepared([phantoms.mri(shape=(8, 40, 36)), scan, photographs], root / "prepared")
    _write_model(root / "model", root / "data" / "mri" / "person_flair.nii.gz")
    return root


def _arguments(root, out, *more):
    pairs = {"data": root / "data", "prepared": root / "prepared"}
    given = [text for name, path in pairs.items() for text in (f"--{name}", str(path))]
    return [
        str(root / "model"),
        *given,
        "--out",
        str(out),
        "--device",
        "cpu",
        "--slices",
        "2",
        *more,
    ]


@pytest.fixture(scope="module")
def out(workplace):
    """The report of the validation part; the slices are written for other systems as well."""
    folder = workplace / "out"
    assert main(_arguments(workplace, folder, "--inputs", str(workplace / "inputs"))) == 0
    return folder


@pytest.fixture(scope="module")
def report(out):
    return json.loads((out / "report.json").read_text())


@pytest.fixture(scope="module")
def summary(report):
    """Means over units of all contrasts by kind, method and measure."""
    rows = [row for row in report["summary"] if row["contrast"] == "all"]
    return {(row["kind"], row["method"], row["measure"]): row for row in rows}


@pytest.fixture(scope="module")
def named(workplace):
    """The test part with named volumes, another system's pictures and a network's features."""
    shapes = {"person_t1": (44, 40), "person_t2": (44, 40), "person_flair": (40, 40)}
    shapes |= {f"photo_006_{contrast}": (45, 40) for contrast in ("t1", "t2", "flair")}
    for case, (height, width) in shapes.items():
        folder = workplace / "systems" / "orange" / case
        folder.mkdir(parents=True)
        for k in range(8):
            Image.new("RGB", (width, height), ORANGE).save(folder / f"{k:04d}.png")
    request = Request(
        model=workplace / "model",
        data=workplace / "data",
        prepared=workplace / "prepared",
        split="test",
        volumes=("person_t1", "person_t2", "person_flair"),
        predictions=workplace / "systems",
        slices=2,
        device="cpu",
        features=lambda pictures: pictures.reshape(len(pictures), -1, 3).mean(axis=1),
    )
    # Every size and way of giving it is measured in the validation part.
    with mock.patch.object(sizes, "SIZES", (sizes.FULL, sizes.Size(64, raw=True))):
        return evaluate(request, lambda text: None)


def test_every_kind_has_a_row_for_every_colouring(report):
    found = {(row["kind"], row["method"]) for row in report["summary"]}
    expected = {(kind, method) for kind in ("cryosection", "MRI") for method in METHODS}
    assert found == expected | {("cryosection", "truth")}


def test_the_rows_hold_what_theory_says_of_them(summary):
    for kind in ("cryosection", "MRI"):

        def mean(method, measure, kind=kind):
            return summary[kind, method, measure]["mean"]

        for measure in ("ssim_body", "ssim_slice", "ms_ssim_body", "stsim1_body"):
            assert mean("grey copy", measure) > 0.99
        assert mean("grey copy", "cf_body") == 0
        assert mean("constant colour", "ncc2") == mean("constant colour", "orientation") == 0
        assert mean("constant colour", "contrast") == 0
        assert mean("grey copy", "contrast") > 5
        assert mean("structure-locked", "ssim_body") > 0.99
    assert summary["cryosection", "truth", "dcf_body"]["mean"] == 0
    assert summary["cryosection", "truth", "sharpness"]["mean"] == 1
    assert summary["MRI", "grey copy", "flicker"]["mean"] == pytest.approx(1, abs=0.02)


def test_units_are_slabs_and_persons_and_slices_are_counted(summary):
    slab = summary["cryosection", "natural", "ciede2000"]
    assert (slab["units"], slab["slices"]) == (2, 6)  # two frames in three contrasts
    scan = summary["MRI", "natural", "ncc2"]
    assert (scan["units"], scan["slices"]) == (1, 8)  # a scan and three made of its labels
    assert scan["low"] <= scan["mean"] <= scan["high"]


def test_every_slice_s_number_is_in_the_csv(out, summary):
    with (out / "scores.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    mine = [
        float(row["value"])
        for row in rows
        if (row["kind"], row["method"], row["measure"]) == ("MRI", "natural", "ncc2")
    ]
    assert len(mine) == 8
    assert np.mean(mine) == pytest.approx(summary["MRI", "natural", "ncc2"]["mean"], abs=1e-4)


def test_the_report_has_its_tables_and_says_what_it_lacks(out):
    text = (out / "report.md").read_text()
    assert text.count("\n| --- |") >= 8
    assert "The validation part" in text
    assert "KID was not computed" in text


def test_every_table_stands_with_structure_colour_and_the_command(out):
    blocks = (out / "report.md").read_text().split("\n\n")
    tables = [i for i, block in enumerate(blocks) if block.startswith("| ")]
    for place in tables:
        assert blocks[place + 1].startswith("*phantom 1.2.3, val; python -m training evaluate ")
        header = blocks[place].splitlines()[0]
        if "colouring" in header:
            assert "NCC²" in header
            assert "colourfulness" in header or "CIEDE2000" in header or "KID" in header


def test_the_pictures_are_there_the_worst_first_and_show_something(out):
    text = (out / "report.md").read_text()
    names = sorted(path.name for path in out.glob("*.png"))
    assert sum(name.startswith("slab_") for name in names) == 2
    assert sum(name.startswith("boxes_") for name in names) == 2
    for name in names:
        assert f"({name})" in text
        assert np.asarray(Image.open(out / name)).std() > 5
    first, second = (
        float(line.rsplit(" ", 1)[1].split("]")[0])
        for line in text.splitlines()
        if line.startswith("![") and "(slab_" in line
    )
    assert first >= second


def test_the_invariances_are_measured_on_the_mri(report):
    found = {(row["of"], row["change"]) for row in report["changes"]}
    assert ("network", "gain 0.85") in found
    assert ("engine", "twice the pixels") in found
    assert {row["case"].split("_")[0] for row in report["changes"]} == {"other"}


def test_both_modes_are_measured_on_the_same_field_of_view_in_every_size(report):
    rows = [row for row in report["sizes"] if row["measure"] == "ssim_slice"]
    found = {(row["kind"], row["method"]) for row in rows}
    ways = [f"{side} px {way}" for side in (256, 128, 64) for way in ("engine", "raw")]
    shown = {(mode, way) for mode in MODES for way in ways}
    shown |= {("grey copy", way) for way in ways if way.endswith("engine")}
    shown |= {(name, "256 px engine") for name in BASELINES}
    assert found == {
        (kind, f"{mode}, {way}") for kind in ("cryosection", "MRI") for mode, way in shown
    }
    locked = [row["mean"] for row in rows if row["method"].startswith("structure-locked")]
    assert min(locked) > 0.95
    assert {row["units"] for row in rows if row["kind"] == "cryosection"} == {2}


def test_the_seed_s_targets_are_answered_for_both_modes(report):
    natural, locked, trivial = report["targets"]
    assert "Not for: " in trivial
    assert all(name in trivial for name in BASELINES)
    assert natural.startswith("In natural mode SSIM is ")
    assert "of 2." in natural
    assert "In structure-locked mode" in locked
    assert "the first holds" in locked or "both hold" in locked


def test_worse_mri_and_other_planes_are_compared_with_the_undisturbed(out):
    with (out / "disturbed.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    conditions = dict.fromkeys(row["condition"] for row in rows)
    assert {"as it is", "Rician noise 9 %", "sagittal slices"} <= set(conditions)
    assert {row["case"] for row in rows} == {"other"}  # the scan, not what is made of its labels
    for row in rows:
        if row["condition"] == "as it is":
            assert float(row["same_tissue"]) == 1
            assert float(row["ciede2000"]) == 0
        assert 0 <= float(row["confidence"]) <= 1


def test_the_report_says_how_far_it_carries_and_how_failures_are_recognised(out):
    text = (out / "report.md").read_text()
    assert "## How far it carries: scanned MRI, natural colours" in text
    assert "| disease | not listed |" in text
    failures = text.split("## Failures, and how to recognise them")[1].split("\n## ")[0]
    pictures = failures.count("![")
    assert pictures >= 4
    assert failures.count("How to recognise it: ") == failures.count("\n### ") == pictures


def test_every_other_system_has_a_row_with_the_reason_it_is_empty(out):
    lines = (out / "report.md").read_text().splitlines()
    for system in ("ChromaGAN", "ColorFormer", "DDColor", "APS", "ALDM"):
        (row,) = (line for line in lines if line.startswith(f"| {system} |"))
        assert len(row.split("|")[-2].strip()) > 10


def test_another_system_s_pictures_have_their_rows(named):
    red, green, blue = (value / 255 for value in ORANGE)
    fullness = 0.3 * np.hypot(red - green, (red + green) / 2 - blue)
    rows = [scores for scores in named.results.scores if scores.method == "orange"]
    assert {row.stack.case.kind for row in rows} == {"cryosection", "MRI"}
    for row in rows:
        np.testing.assert_allclose(row.values[Measure.CF_BODY], fullness, atol=1e-5)
        assert row.values[Measure.NCC2].max() == 0
        assert row.stack.pictures["orange"][~row.stack.mask].max() == 0


def test_only_volumes_on_one_grid_are_compared(named):
    pairs = {pair.contrasts for pair in named.results.pairs if pair.first.case.kind == "MRI"}
    assert pairs == {"T1–T2"}
    assert named.uncompared == ("person_t1, person_flair", "person_t2, person_flair")


def test_a_volume_that_the_model_was_trained_on_is_named(named, tmp_path):
    assert named.known == ("person_flair",)
    write_report(named, tmp_path)
    text = (tmp_path / "report.md").read_text()
    assert "Seen in training, so no test: person_flair" in text
    assert "The test part" in text
    assert "| KID T1 |" in text
    assert "the photographs' colourfulness is" in text
    assert "What the model's card says of its training: never trained" in text


def test_a_short_copy_has_the_same_page_and_smaller_pictures(named, tmp_path):
    whole, short = tmp_path / "whole", tmp_path / "short"
    write_report(named, whole, short)
    page, copy = ((folder / "report.md").read_text() for folder in (whole, short))
    assert {path.suffix for path in short.iterdir()} == {".md", ".csv", ".png", ".jpg"}
    tables = [line for line in page.splitlines() if line.startswith("|")]
    assert tables == [line for line in copy.splitlines() if line.startswith("|")]
    for name in ("summary.csv", "sizes.csv"):
        assert (short / name).read_bytes() == (whole / name).read_bytes()
    shown = re.findall(r"\]\(([^)]+\.(?:png|jpg))\)", copy)
    assert sorted(shown) == sorted(p.name for p in short.glob("*.[pj][np]g"))
    assert not [name for name in shown if name.startswith(("mri_", "slab_"))]
    for name in shown:
        original = (whole / name).with_suffix(".png")
        assert Image.open(short / name).width <= Image.open(original).width
        assert (short / name).stat().st_size < original.stat().st_size


def test_the_inputs_for_other_systems_are_the_measured_slices(out, workplace):
    folder = workplace / "inputs"
    assert sum(1 for _ in folder.glob("photo_002_t2/*.png")) == 1
    image = Image.open(next(folder.glob("other/*.png")))
    assert (image.mode, image.size) == ("L", (36, 40))


def test_the_kernel_distance_is_there_when_a_network_gives_features(named):
    assert set(named.kernel) == {*METHODS, "orange"}
    for found in named.kernel.values():
        assert set(found) == set(INTENSITIES)  # each contrast by itself
        assert all(distance.pictures == 2 for distance in found.values())


@pytest.mark.parametrize("broken", ["volume", "prepared", "model", "predictions", "segnet"])
def test_what_is_missing_is_said_in_one_line_and_nothing_is_written(workplace, capsys, broken):
    out = workplace / f"without_{broken}"
    volume = "nobody" if broken == "volume" else "person_t1"
    arguments = _arguments(workplace, out, "--volumes", volume)
    if broken == "prepared":
        arguments[arguments.index("--prepared") + 1] = str(workplace / "nowhere")
    if broken == "model":
        arguments[0] = str(workplace / "nowhere")
    if broken in ("predictions", "segnet"):
        arguments += [f"--{broken}", str(workplace / "nowhere")]
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("evaluate: ")
    assert error.count("\n") == 1
    assert not out.exists()


def test_a_prediction_of_another_size_is_refused(workplace, capsys):
    folder = workplace / "wrong" / "tiny"
    for case in ("photo_002_t1", "photo_002_t2"):
        (folder / case).mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (5, 5)).save(folder / case / "0000.png")
    arguments = _arguments(workplace, workplace / "never", "--predictions", str(folder.parent))
    assert main(arguments) == 2
    assert "is 5x5, the slice is 40x45" in capsys.readouterr().err


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
