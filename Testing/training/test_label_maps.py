"""Prepared labels open in 3D Slicer: as segmentations with names and colours, in their place."""

import dataclasses

import nrrd
import numpy as np
import pytest
import SimpleITK as sitk

import phantoms
from MRIColorizeLib.tissue import DISPLAY_RGB, NAMES, Tissue
from training.__main__ import main
from training.data.label_maps import write_color_table, write_label_maps
from training.data.prepared import save_prepared


@pytest.fixture
def prepared(tmp_path):
    """A head, photographs with a registered MRI, and labels without a scan."""
    photographs = phantoms.cryosection(shape=(3, 20, 18))
    head = phantoms.mri(shape=(8, 14, 12))
    spaced = dataclasses.replace(head, spacing=np.array((3, 2, 1), np.float32))
    registered = dataclasses.replace(photographs, mri=photographs.labels * np.uint8(9))
    bare = phantoms.mri("bare", shape=(4, 6, 6))
    save_prepared(
        [spaced, registered, dataclasses.replace(bare, image=np.zeros_like(bare.image))],
        tmp_path / "prepared",
    )
    return tmp_path / "prepared"


def test_slicer_opens_a_label_map_as_a_segmentation(host, prepared, tmp_path):
    import slicer

    write_label_maps(prepared, tmp_path / "out", ["head"])
    labels = phantoms.mri(shape=(8, 14, 12)).labels
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    storage = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationStorageNode")
    storage.SetFileName(str(tmp_path / "out" / "head.seg.nrrd"))
    assert storage.ReadData(node) == 1
    segmentation = node.GetSegmentation()
    present = [Tissue(code) for code in np.unique(labels) if code]
    assert segmentation.GetNumberOfSegments() == len(present)
    for tissue in present:
        segment = segmentation.GetSegment(tissue.name)
        assert segment.GetName().lower() == NAMES[tissue]
        np.testing.assert_allclose(segment.GetColor(), DISPLAY_RGB[tissue] / 255, atol=1e-5)
        assert segment.GetLabelValue() == tissue


def test_slicer_opens_the_color_table(host, tmp_path):
    import slicer

    path = write_color_table(tmp_path / "tissues.ctbl")
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLColorTableNode")
    storage = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLColorTableStorageNode")
    storage.SetFileName(str(path))
    assert storage.ReadData(node) == 1
    assert node.GetNumberOfColors() == len(NAMES)
    color = [0.0] * 4
    for tissue in Tissue:
        assert node.GetColorName(tissue) == NAMES[tissue]
        assert node.GetColor(tissue, color)
        np.testing.assert_allclose(color[:3], DISPLAY_RGB[tissue] / 255, atol=1e-3)
        assert color[3] == float(tissue != Tissue.BACKGROUND)


def test_the_command_writes_labels_and_images_on_one_grid(prepared, tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["labels", "--prepared", str(prepared), "--out", str(out)]) == 0
    assert "7 files" in capsys.readouterr().out
    assert {path.name for path in out.iterdir()} == {
        "tissues.ctbl",
        "head.seg.nrrd",
        "head.nrrd",
        "photo.seg.nrrd",
        "photo.nrrd",
        "photo_mri.nrrd",
        "bare.seg.nrrd",
    }
    for name, shape in (("head", (8, 14, 12)), ("photo", (3, 20, 18))):
        image, labels = (sitk.ReadImage(str(out / f"{name}{end}.nrrd")) for end in ("", ".seg"))
        assert image.GetSize() == labels.GetSize() == shape[::-1]
        assert image.GetSpacing() == labels.GetSpacing()
        assert image.GetOrigin() == labels.GetOrigin()
        assert image.GetDirection() == labels.GetDirection()
    head, photo = (sitk.ReadImage(str(out / f"{name}.nrrd")) for name in ("head", "photo"))
    assert head.GetSpacing() == (1, 2, 3)
    assert head.GetDirection()[::4] == (1, 1, 1)  # i to the left, j to the back, k up
    assert photo.GetDirection()[::4] == (-1, 1, -1)  # seen from above
    photographs = phantoms.cryosection(shape=(3, 20, 18))
    colors, header = nrrd.read(str(out / "photo.nrrd"), index_order="C")
    np.testing.assert_array_equal(colors, photographs.image)
    assert header["kinds"][0] == "RGB-color"
    mri, _ = nrrd.read(str(out / "photo_mri.nrrd"), index_order="C")
    np.testing.assert_array_equal(mri, photographs.labels * 9)


def test_an_unknown_volume_is_told(prepared, tmp_path, capsys):
    words = ["labels", "--prepared", str(prepared), "--out", str(tmp_path / "out"), "knee"]
    assert main(words) == 2
    assert "no volume knee; it holds head, photo, bare" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
