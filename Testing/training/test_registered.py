"""The authors' layout: three folders of slices become one cryosection with a registered MRI."""

import dataclasses
import shutil

import numpy as np
import pytest
from PIL import Image

import phantoms
from MRIColorizeLib.tissue import Tissue
from training.__main__ import main
from training.config import SliceConfig, SynthesisConfig
from training.data.class_table import FORM, ClassTable, ClassTableError
from training.data.prepared import PreparedDataError, load_all
from training.data.registered import RegisteredSlicesError, read_registered
from training.data.slabs import slab_split
from training.data.slices import SliceSource
from training.data.synthesis import Random

# Class numbers of the made label pictures, as foreign to ours as the authors'.
NUMBERS = {
    Tissue.BACKGROUND: 0,
    Tissue.SKIN: 41,
    Tissue.BONE: 7,
    Tissue.GREY_MATTER: 14,
    Tissue.WHITE_MATTER: 52,
    Tissue.CSF: 1,
}
TABLE = "[tissues]\n" + "".join(f"{t.name.lower()} = [{n}]\n" for t, n in NUMBERS.items())
SLICES = 3


def slices():
    """Colours, MRI (its grey runs against the usual order) and tissues of three slices."""
    photographs = phantoms.cryosection(shape=(SLICES, 80, 72))
    mri = (200 - 12 * photographs.labels).astype(np.uint8) * (photographs.labels > 0)
    return photographs.image, mri, photographs.labels


@pytest.fixture
def folder(tmp_path):
    """The layout with PNG, JPEG and TIFF; the numbers have no leading zeros."""
    where = tmp_path / "axial"
    colors, mri, labels = slices()
    table = np.zeros(13, np.uint8)
    table[list(NUMBERS)] = list(NUMBERS.values())
    for name in ("mri", "cryo", "seg"):
        (where / name).mkdir(parents=True)
    for k, stem in enumerate(("s2", "s9", "s10")):
        Image.fromarray(mri[k]).save(where / "mri" / f"{stem}.tif")
        Image.fromarray(colors[k]).save(where / "cryo" / f"{stem}.jpg", quality=97)
        Image.fromarray(table[labels[k]]).save(where / "seg" / f"{stem}.png")
    (where / "classes.toml").write_text(TABLE)
    return where


def test_three_folders_become_one_volume_in_the_order_of_the_numbers(folder):
    volume = read_registered(folder, 0.5, 2.0)
    colors, mri, labels = slices()
    np.testing.assert_array_equal(volume.labels, labels)
    np.testing.assert_array_equal(volume.mri, mri)
    assert volume.spacing.tolist() == [2.0, 0.5, 0.5]
    assert np.abs(volume.image.astype(int) - colors)[labels > 0].mean() < 8  # JPEG
    assert (volume.image[labels == 0] == 0).all()
    assert volume.entry.name == "registered_axial"


def test_sixteen_bit_mri_keeps_its_range(folder):
    for path in (folder / "mri").iterdir():
        array = np.asarray(Image.open(path)).astype(np.uint16) * 100
        Image.fromarray(array).save(path.with_suffix(".png"))
        path.unlink()
    volume = read_registered(folder, 1.0, 1.0)
    assert volume.mri.dtype == np.uint16
    assert volume.mri.max() > 10_000


def test_the_command_prepares_it_with_a_picture(folder, tmp_path, capsys):
    out, pictures = tmp_path / "prepared", tmp_path / "pictures"
    words = ["prepare", "--vkh", str(folder), "--out", str(out), "--pictures", str(pictures)]
    assert main(words) == 2
    assert "--spacing" in capsys.readouterr().err
    assert not out.exists()
    assert main([*words, "--spacing", "1"]) == 0
    (volume,) = load_all(out)
    np.testing.assert_array_equal(volume.mri, slices()[1])
    with Image.open(pictures / "registered_axial.png") as picture:
        assert picture.size == (3 * 72, 80)  # MRI, photograph and labels of every third slice


def test_training_sees_the_registered_mri_and_no_synthetic_one(folder):
    volume = read_registered(folder, 1.0, 1.0)
    config = SliceConfig(crops=(64,), stretched=0, strip=0, any_rotation=0, elastic_mm=0)
    source = SliceSource([volume], "train", config)
    exact = SynthesisConfig(
        synthetic=1.0, gain=0, gamma=0, bias=0, surface_coil=0
    )  # a share of labelled MRI alone
    batch = source.draw(4 * 64 * 64, exact, 1.0, Random(0))
    assert batch.photograph.all()
    bone, white = (
        batch.real_A[:, 0][batch.labels == t] for t in (Tissue.BONE, Tissue.WHITE_MATTER)
    )
    assert len(bone) > 50
    # In this MRI bone is brighter than white matter, as in no sequence that we make.
    assert bone.median() > white.median() + 0.1


def test_a_registered_brain_gets_no_rim_of_fluid(folder):
    volume = read_registered(folder, 1.0, 1.0)
    shares = []
    for rim in (0.0, 1.0):
        config = SliceConfig(crops=(64,), strip=0, csf_rim=rim)
        source = SliceSource([volume], "train", config)
        batch = source.draw(4 * 64 * 64, SynthesisConfig(), 0.0, Random(3))
        shares.append((batch.labels == Tissue.CSF).sum())
    assert shares[0] == shares[1]


@pytest.mark.parametrize(
    ("kind", "mri", "words"),
    [
        ("cryosection", np.zeros((3, 20, 17), np.uint8), "registered MRI is"),
        ("cryosection", np.zeros((3, 20, 18), np.int64), "registered MRI is"),
        ("mri", np.zeros((3, 20, 18), np.uint8), "only a cryosection"),
    ],
)
def test_a_registered_mri_of_another_form_is_refused(kind, mri, words):
    make = getattr(phantoms, kind)
    with pytest.raises(PreparedDataError, match=words):
        dataclasses.replace(make(shape=(3, 20, 18)), mri=mri)


def break_folder(folder, how):
    """One fault; returns what to call it with."""
    if how == "no folder":
        shutil.rmtree(folder / "seg")
    elif how == "no pictures":
        for path in (folder / "mri").iterdir():
            path.unlink()
    elif how == "a slice less":
        (folder / "cryo" / "s9.jpg").unlink()
    elif how == "another size":
        Image.fromarray(np.zeros((80, 70), np.uint8)).save(folder / "mri" / "s9.tif")
    elif how == "damaged":
        (folder / "cryo" / "s2.jpg").write_bytes(b"\xff\xd8 no picture")
    elif how == "grey":
        Image.fromarray(np.zeros((80, 72), np.uint8)).save(folder / "cryo" / "s2.jpg")
    elif how == "JPEG labels":
        Image.fromarray(np.zeros((80, 72), np.uint8)).save(folder / "seg" / "s2.jpg")
        (folder / "seg" / "s2.png").unlink()
    elif how == "coloured labels":
        Image.fromarray(np.zeros((80, 72, 3), np.uint8)).save(folder / "seg" / "s2.png")
    elif how == "twice":
        Image.fromarray(np.zeros((80, 72), np.uint8)).save(folder / "mri" / "s2.png")


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("no folder", r"seg is missing"),
        ("no pictures", r"mri holds no PNG"),
        ("a slice less", r"1 slices that .*cryo lacks, s9"),
        ("another size", r"s9\.tif is 70 x 80 pixels .* 72 x 80"),
        ("damaged", r"s2\.jpg cannot be read"),
        ("grey", r"s2\.jpg is no colour picture"),
        ("JPEG labels", r"s2\.jpg is a JPEG"),
        ("coloured labels", r"s2\.png holds no class numbers"),
        ("twice", r"s2 in two formats"),
    ],
)
def test_a_fault_is_named_and_nothing_is_written(folder, tmp_path, capsys, how, words):
    break_folder(folder, how)
    with pytest.raises(RegisteredSlicesError, match=words):
        read_registered(folder, 1.0, 1.0)
    out = tmp_path / "prepared"
    assert main(["prepare", "--vkh", str(folder), "--spacing", "1", "--out", str(out)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not out.exists()


@pytest.mark.parametrize("spacing", [0.0, -1.0, float("nan")])
def test_a_spacing_is_positive(folder, spacing):
    with pytest.raises(RegisteredSlicesError, match="positive"):
        read_registered(folder, spacing, 1.0)


def test_a_class_outside_the_table_is_named_with_its_picture(folder):
    (folder / "classes.toml").write_text(TABLE.replace("bone = [7]", "bone = []"))
    with pytest.raises(ClassTableError, match=r"s2\.png holds class 7, which .* no tissue"):
        read_registered(folder, 1.0, 1.0)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "is missing"),
        ("[tissues", "is no table"),
        ("skin = [1]", r"\[tissues\]"),
        ("[tissues]\nfeather = [1]", "FEATHER"),
        ("[tissues]\nskin = [1]\nfat = [1]", "class 1 twice"),
        ("[tissues]\nskin = [70000]", "no class number"),
        ("[tissues]\nskin = 1", "is no table"),
    ],
)
def test_a_bad_table_is_told(tmp_path, text, words):
    path = tmp_path / "classes.toml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(ClassTableError, match=words):
        ClassTable(path)


def test_the_form_names_every_tissue():
    table = ClassTable(FORM)
    assert table.tissues(np.zeros((2, 2), np.uint8), "a slice").max() == Tissue.BACKGROUND
    named = [line.split(" = ")[0] for line in FORM.read_text().splitlines() if " = [" in line]
    assert named == [tissue.name.lower() for tissue in Tissue]


def test_parts_of_a_long_stack_are_slabs_with_gaps():
    parts = slab_split(1800, 1.0)
    assert sum(len(indices) for indices in parts.values()) < 1800
    test = np.array(parts["test"])
    assert (np.diff(test) > 1).sum() + 1 >= 7  # slabs
    for one, other in (("train", "test"), ("train", "val"), ("val", "test")):
        distance = np.abs(np.subtract.outer(parts[one], parts[other])).min()
        assert distance >= 12
    assert slab_split(100, 1.0) == {"train": tuple(range(100))}
