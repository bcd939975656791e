"""What a report concludes: the seed's targets, the cost of fewer pixels, where a scan is from."""

from types import SimpleNamespace

import numpy as np
import pytest

from training.measure.cases.cases import MRI, SLAB
from training.measure.cases.learned import Region
from training.measure.cases.origins import NO_FINDING, UNKNOWN, origin_of
from training.measure.colorings.scores import Measure, Scores
from training.measure.evaluation import generalisation, size_tables, systems
from training.measure.evaluation.size_tables import FULL
from training.measure.evaluation.sizes import SIZES
from training.measure.evaluation.summary import Results

SETTING = SimpleNamespace(model_name="m", model_version="1", split="val", command="evaluate")


def _case(name, kind, contrast="T1", **more):
    synthetic = contrast.startswith("synthetic")
    return SimpleNamespace(
        name=name,
        unit=name,
        kind=kind,
        contrast=contrast,
        subject=name,
        synthetic=synthetic,
        **more,
    )


def _scores(unit, method, kind=SLAB, **values):
    case = _case(unit, kind, region=Region.BRAIN)
    made = SimpleNamespace(plane="axial")
    stack = SimpleNamespace(case=case, index=np.arange(2), provenance=made)
    found = {Measure[name.upper()]: np.full(2, value) for name, value in values.items()}
    return Scores(stack, method, found, None)


def _evaluation(sizes=(), scores=()):
    return SimpleNamespace(
        sizes=Results(list(sizes), ()), results=Results(list(scores), ()), setting=SETTING
    )


@pytest.mark.parametrize(
    ("ssim", "dcf", "answer", "slabs"),
    [
        (0.9, 0.005, "both hold at once", 2),
        (0.9, 0.05, "the first holds, the second does not", 0),
        (0.7, 0.005, "the second holds, the first does not", 0),
        (0.7, 0.05, "neither holds", 0),
    ],
)
def test_the_targets_are_answered_as_the_numbers_say(ssim, dcf, answer, slabs):
    method = FULL.method("natural")
    rows = [_scores(unit, method, ssim_slice=ssim, dcf_slice=dcf) for unit in ("a", "b")]
    text, trivial = size_tables.targets(_evaluation(rows))
    assert "both hold by the means for: none" in trivial  # none was measured
    assert answer in text
    assert f"in {slabs} of 2" in text


def test_one_slab_that_meets_both_does_not_speak_for_the_mean():
    method = FULL.method("natural")
    rows = [
        _scores("a", method, ssim_slice=0.95, dcf_slice=0.001),
        _scores("b", method, ssim_slice=0.5, dcf_slice=0.2),
    ]
    text, _ = size_tables.targets(_evaluation(rows))
    assert "neither holds" in text
    assert "in 1 of 2" in text
    assert size_tables.targets(_evaluation()) == []


def test_trivial_colourings_that_meet_the_targets_are_named_with_their_colour_error():
    rows = []
    for name, ssim, dcf, error in (
        ("natural", 0.9, 0.005, 9),
        ("optimal transport", 0.9, 0.008, 13),
        ("grey copy", 1.0, 0.1, 24),
    ):
        values = {"ssim_slice": ssim, "dcf_slice": dcf, "ciede2000": error}
        rows += [_scores(unit, FULL.method(name), **values) for unit in ("a", "b")]
    trivial = size_tables.targets(_evaluation(rows))[-1]
    reached, missed = trivial.split("Not for: ")
    assert "optimal transport (SSIM 0.900 [0.900, 0.900], dCF 0.008 [0.008, 0.008]" in reached
    assert "both in 2, CIEDE2000 13.0 [13.0, 13.0])" in reached
    assert "grey copy (SSIM 1.000" in missed
    assert "CIEDE2000 9.0" in missed


def test_fewer_pixels_are_compared_slab_by_slab_and_in_the_same_way():
    rng = np.random.default_rng(0)
    rows = []
    for unit in range(8):
        level = rng.normal(10, 3)
        for size in SIZES:
            worse = {256: 0, 128: 1, 64: 4}[size.side] + (2 if size.raw else 0)
            rows.append(_scores(f"slab {unit}", size.method("natural"), ciede2000=level + worse))
    table = size_tables.losses(_evaluation(rows))
    found = {(row[1], row[2]): row for row in table.rows if row[3] == Measure.CIEDE2000.label}
    assert set(found) == {(f"{side} px", way) for side in (128, 64) for way in ("engine", "raw")}
    assert found["64 px", "engine"][5].startswith("-4.0 [-4.0, -4.0]")
    assert found["128 px", "raw"][5].startswith("-1.0")
    assert float(found["64 px", "engine"][6]) <= 0.05
    assert found["64 px", "engine"][7] == "+1.00"


@pytest.mark.parametrize(
    ("name", "source", "finding"),
    [
        ("brain_ms26_t2", "muschellij2/open_ms_data", "multiple sclerosis"),
        ("brain_stroke_flair", "neurolabusc/VolumeRenderingData", "chronic stroke"),
        ("fetal_t2_atlas_testonly", None, "unborn"),
        ("head_t1_seg3d_defaced", None, NO_FINDING),
        ("somebody_t1", UNKNOWN, UNKNOWN),
    ],
)
def test_source_and_disease_are_those_of_the_list(name, source, finding):
    origin = origin_of(_case(name, MRI))
    assert origin.finding == finding
    assert source in (None, origin.source)
    made = origin_of(_case(name, MRI, contrast="synthetic T1"))
    assert made.finding == NO_FINDING


def test_volumes_are_grouped_by_what_they_are_and_synthetic_ones_left_out():
    scores = [
        _scores("brain_ms26_t1", "natural", MRI, tissue=0.9, ncc2=0.8),
        _scores("brain_t1_eun", "natural", MRI, tissue=0.7, ncc2=0.6),
        _scores("brain_t1_eun", "grey copy", MRI, ncc2=1),
    ]
    table = generalisation.by_group(_evaluation(scores=scores))
    rows = {(row[0], row[1]): row[2:] for row in table.rows}
    assert rows["contrast", "T1"][0] == "2"
    assert rows["disease", "multiple sclerosis"][:2] == ["1", "0.90 [0.90, 0.90]"]
    assert ("disease", NO_FINDING) in rows
    assert rows["plane", "axial"][0] == "2"
    assert generalisation.by_group(_evaluation()) is None


def test_a_system_s_row_is_filled_by_its_own_pictures_whatever_its_name_s_case():
    scores = [_scores("a", "ddcolor", ciede2000=14.5, ssim_slice=0.91)]
    rows = {row[0]: row for row in systems.others(_evaluation(scores=scores)).rows}
    assert rows["DDColor"][1:3] == [SLAB, "14.5 [14.5, 14.5]"]
    assert "given" in rows["DDColor"][-1]
    assert set(rows["ChromaGAN"][1:-2]) == {"–"}
