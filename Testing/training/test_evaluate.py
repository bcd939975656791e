"""`python -m training evaluate` in small: made data in, a report whose numbers hold together."""

import dataclasses
import hashlib
import json
import re

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk
import torch
from PIL import Image
from safetensors.torch import save

import phantoms
from MRIColorizeLib.network.config import GeneratorConfig
from MRIColorizeLib.network.generator import DualDecoderGenerator
from training.__main__ import main
from training.data.prepared import save_prepared
from training.measure.arms.assessment import HARDEST
from training.measure.arms.workplace import Workplace
from training.measure.colorings.baselines import BASELINES
from training.measure.colorings.stacks import MODES
from training.measure.report import evaluation
from training.measure.report.evaluation import evaluate, write_evaluation
from training.measure.report.gallery import as_seen

METHODS = [*MODES, *BASELINES]
ASKED = ("plain", "noise-9", "bias-40", "resolution-4", "sagittal")  # some of all conditions
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
        "evaluate",
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
    arguments = _arguments(workplace, folder, "--inputs", str(workplace / "inputs"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluation, "ASKED", ASKED)
        assert main(arguments) == 0
    return folder


@pytest.fixture(scope="module")
def summary(out):
    return pd.read_csv(out / "summary.csv")


def _mean(summary, kind, method, measure, condition="plain", column="mean"):
    """Of all contrasts together."""
    wanted = {"kind": kind, "method": method, "measure": measure, "condition": condition}
    for name, value in {**wanted, "contrast": "all"}.items():
        summary = summary[summary[name] == value]
    (found,) = summary[column]
    return found


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
    place = Workplace(
        workplace / "prepared",
        workplace / "named",
        workplace / "data",
        "test",
        predictions=workplace / "systems",
        slices=2,
        volumes=("person_t1", "person_t2", "person_flair"),
        whole=True,
    )
    evaluated = evaluate(
        place,
        workplace / "model",
        "cpu",
        lambda pictures: pictures.reshape(len(pictures), -1, 3).mean(axis=1),
        lambda text: None,
        conditions=("plain",),
    )
    write_evaluation(evaluated, place, "evaluate", workplace / "short")
    return evaluated


def test_every_kind_has_a_row_for_every_colouring(summary):
    plain = summary[summary["condition"] == "plain"]
    found = set(plain[["kind", "method"]].itertuples(index=False, name=None))
    expected = {(kind, method) for kind in ("cryosection", "MRI") for method in METHODS}
    assert found == expected | {("cryosection", "truth")}


def test_the_rows_hold_what_theory_says_of_them(summary):
    for kind in ("cryosection", "MRI"):

        def mean(method, measure, kind=kind):
            return _mean(summary, kind, method, measure)

        for measure in ("ssim_body", "ssim_slice", "ms_ssim_body", "stsim1_body"):
            assert mean("grey copy", measure) > 0.99
        assert mean("grey copy", "cf_body") == 0
        assert mean("constant colour", "ncc2") == mean("constant colour", "contrast") == 0
        assert mean("grey copy", "contrast") > 5
        assert mean("structure-locked", "ssim_body") > 0.99
    assert _mean(summary, "cryosection", "truth", "dcf_body") == 0
    assert _mean(summary, "MRI", "grey copy", "flicker") == pytest.approx(1, abs=0.02)


def test_units_are_slabs_and_persons_and_slices_are_counted(summary):
    for kind, measure, units, slices in (
        ("cryosection", "ciede2000", 2, 6),  # two frames in three contrasts
        ("MRI", "ncc2", 1, 8),  # two slices of a scan and of three made of its labels
    ):
        for column, expected in (("units", units), ("slices", slices)):
            assert _mean(summary, kind, "natural", measure, column=column) == expected


def test_every_condition_has_the_modes_and_the_hardest_trivial_colourings(summary):
    mri = summary[summary["kind"] == "MRI"]
    for condition in ASKED[:-1]:
        found = set(mri["method"][mri["condition"] == condition])
        expected = METHODS if condition == "plain" else ("natural", *HARDEST)
        assert found == {*expected}, condition
    assert "sagittal" not in set(summary["condition"])  # the scan's six slices are too few rows
    locked = summary[(summary["method"] == "structure-locked") & (summary["contrast"] == "all")]
    assert locked["mean"][locked["measure"] == "ssim_slice"].min() > 0.95


def test_what_a_worse_mri_changes_is_measured_against_the_same_slices(summary):
    for condition in ("noise-9", "bias-40", "resolution-4"):
        assert 0 <= _mean(summary, "MRI", "natural", "kept", condition) <= 1
        assert _mean(summary, "MRI", "natural", "away", condition) >= 0
    assert not {"kept", "away"} & set(summary["measure"][summary["condition"] == "plain"])


def test_every_condition_is_compared_with_the_one_that_it_changes(out):
    differences = pd.read_csv(out / "differences.csv")
    bases = differences[["condition", "reference"]].drop_duplicates()
    found = set(bases.itertuples(index=False, name=None))
    assert found == {("plain", "natural"), *((name, "plain") for name in ASKED[1:-1])}


def test_the_record_has_every_slice_s_number(out, summary):
    told = json.loads((out / "results" / "phantom-0.json").read_text())
    table = told["scores"]
    column = table["measures"].index("ncc2")
    mine = [
        values[column]
        for row, values in zip(table["rows"], table["values"], strict=True)
        if (row[0], row[1], row[5]) == ("plain", "MRI", "natural") and values[column] is not None
    ]
    assert len(mine) == 8
    assert np.mean(mine) == pytest.approx(_mean(summary, "MRI", "natural", "ncc2"), abs=1e-4)


def test_the_report_has_its_tables_with_the_model_under_each(out):
    text = (out / "report.md").read_text()
    assert text.count("\n| --- |") >= 8
    assert "The validation part" in text
    assert "python -m training evaluate --split val --slices 2" in text
    blocks = text.split("\n\n")
    for place in (i for i, block in enumerate(blocks) if "| colouring |" in block):
        assert "phantom 1.2.3" in blocks[place + 1]
        header = blocks[place].splitlines()[0]
        assert "NCC²" in header or "CIEDE2000" in header or "skin" in header


def test_the_invariances_are_measured_on_the_mri(out):
    text = (out / "report.md").read_text()
    assert "| network: gain 0.85 |" in text
    assert "| engine: twice the pixels |" in text


def test_failures_are_shown_with_how_they_are_recognised(out):
    text = (out / "report.md").read_text()
    failures = text.split("## Failures, and how to recognise them")[1].split("\n## ")[0]
    pictures = re.findall(r"\]\(([^)]+)\)", failures)
    assert len(pictures) >= 4
    assert failures.count("How to recognise it: ") == failures.count("### ") == len(pictures)
    for name in pictures:
        assert np.asarray(Image.open(out / name)).std() > 5


def test_another_system_s_pictures_have_their_rows(named, workplace):
    red, green, blue = (value / 255 for value in ORANGE)
    fullness = 0.3 * np.hypot(red - green, (red + green) / 2 - blue)
    orange = named.records[1].scores
    assert set(orange["kind"]) == {"cryosection", "MRI"}
    of = orange.groupby("measure")["value"]
    assert of.get_group("cf_body").to_numpy() == pytest.approx(fullness, abs=1e-4)
    assert of.get_group("ncc2").max() == 0
    assert "| orange | natural |" in (workplace / "named" / "report.md").read_text()


def test_only_volumes_on_one_grid_are_compared(named):
    scores = named.records[0].scores
    pairs = scores[(scores["measure"] == "contrast") & (scores["kind"] == "MRI")]
    assert set(pairs["contrast"]) == {"T1–T2"}


def test_a_volume_that_the_model_was_trained_on_is_named(named, workplace):
    text = (workplace / "named" / "report.md").read_text()
    assert "Seen in training, so no test: person_flair" in text
    assert "The test part" in text
    assert "What the model's card says of its training: never trained" in text


def test_a_short_copy_is_the_report_without_the_record(named, workplace):
    whole, short = ({p.name: p for p in (workplace / n).iterdir()} for n in ("named", "short"))
    assert set(whole) - set(short) == {"results"}
    assert all(whole[name].read_bytes() == path.read_bytes() for name, path in short.items())


def test_the_kernel_distance_is_there_when_a_network_gives_features(named):
    for record in named.records:
        kid = record.scores[record.scores["measure"] == "kid"]
        methods = {*METHODS} if record.arm == "phantom" else {"natural"}
        assert set(kid["method"]) == methods
        assert set(kid["contrast"]) == {"T1", "T2", "FLAIR"}  # each contrast by itself


def test_the_inputs_for_other_systems_are_the_measured_slices(out, workplace):
    folder = workplace / "inputs"
    assert sum(1 for _ in folder.glob("photo_002_t2/*.png")) == 1
    image = Image.open(next(folder.glob("other/*.png")))
    assert (image.mode, image.size) == ("L", (36, 40))


@pytest.mark.parametrize("broken", ["volume", "prepared", "model", "predictions", "segnet"])
def test_what_is_missing_is_said_in_one_line_and_nothing_is_written(workplace, capsys, broken):
    out = workplace / f"without_{broken}"
    volume = "nobody" if broken == "volume" else "person_t1"
    arguments = _arguments(workplace, out, "--volumes", volume)
    if broken == "prepared":
        arguments[arguments.index("--prepared") + 1] = str(workplace / "nowhere")
    if broken == "model":
        arguments[1] = str(workplace / "nowhere")
    if broken in ("predictions", "segnet"):
        arguments += [f"--{broken}", str(workplace / "nowhere")]
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("training: ")
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
    ("plane", "rows", "columns"), [("axial", 1, 0), ("coronal", 2, 0), ("sagittal", 2, 1)]
)
def test_pictures_have_anterior_or_superior_on_top_and_right_or_anterior_left(
    plane, rows, columns, signs
):
    # One slice of 2 x 2 whose pixels hold their own patient coordinates; columns first in ijk.
    matrix = np.zeros((4, 4))
    matrix[columns, 0], matrix[rows, 1] = signs[0], signs[1]
    row, column = np.mgrid[0:2, 0:2]
    up = as_seen(signs[1] * row, plane, matrix)
    towards_left = as_seen(signs[0] * column, plane, matrix)
    assert (up[0] > up[1]).all()
    assert (towards_left[:, 0] > towards_left[:, 1]).all()
