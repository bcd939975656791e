"""Claims about the command on good input: what it writes, where, what it says, and the geometry."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk
from PIL import Image

from cli.made import made_head, oblique, run_python, write_nifti
from MRIColorizeLib.files.naming import SAMPLE, is_sample, plan_jobs, sample_path


def assert_same_grid(result: Path, source: Path) -> None:
    """Size, spacing, origin and direction agree, as SimpleITK reads both."""
    color, mri = sitk.ReadImage(str(result)), sitk.ReadImage(str(source))
    assert color.GetNumberOfComponentsPerPixel() == 3
    assert color.GetSize() == mri.GetSize()
    for ask in ("GetSpacing", "GetOrigin", "GetDirection"):
        ours, theirs = getattr(color, ask)(), getattr(mri, ask)()
        np.testing.assert_allclose(ours, theirs, atol=1e-5, err_msg=ask)


@pytest.mark.parametrize("left_handed", [True, False])
@pytest.mark.parametrize("plane", ["auto", "axial", "sagittal", "coronal"])
@pytest.mark.parametrize("ending", ["nrrd", "nii.gz"])
def test_the_result_lies_on_the_input_s_grid(tmp_path, command, left_handed, plane, ending):
    path = write_nifti(tmp_path / "head.nii.gz", affine=oblique(left_handed))
    answer = command(path, "--plane", plane, "--format", ending, "--quiet")
    assert (answer.code, answer.out, answer.err) == (0, "", "")
    assert_same_grid(tmp_path / f"head_color.{ending}", path)


def test_mgz_gives_colour_on_its_own_grid(tmp_path, command):
    affine = oblique()
    nibabel.save(nibabel.MGHImage(made_head().T, affine), tmp_path / "head.mgz")
    assert command(tmp_path / "head.mgz", "--format", "nii.gz").code == 0
    stored = nibabel.load(tmp_path / "head_color.nii.gz")
    assert stored.shape == (16, 18, 14)
    np.testing.assert_allclose(stored.affine, affine, atol=1e-4)


def test_it_says_what_it_did_with_what_and_how_long(tmp_path, command):
    path = write_nifti(tmp_path / "head.nii.gz", affine=np.diag((1.0, 2, 3, 1)))
    answer = command(path)
    assert answer.code == 0
    for words in (
        "16x18x14 voxels of 1.00x2.00x3.00 mm",
        "Model small 1.2.3 on cpu, ready in ",
        "axial slices in ",
        "slices/s",
        "natural mode",
        "head_color.nrrd",
        "head_color.png",
        "not for diagnosis",
    ):
        assert words in answer.out, words
    assert "slices" in answer.err  # the progress bar


def test_only_a_face_that_was_removed_is_rendered_unasked(tmp_path, command):
    path = write_nifti(tmp_path / "head.nii.gz")
    assert "--render" in command(path).out
    assert not (tmp_path / "head_color_3d.png").exists()
    copy = shutil.copy(sample_path(), tmp_path / "somebody.nii.gz")
    assert is_sample(Path(copy))
    assert not is_sample(path)


def test_a_rendering_is_made_when_asked_for(tmp_path, command):
    path = write_nifti(tmp_path / "head.nii.gz")
    assert command(path, "--render").code == 0
    with Image.open(tmp_path / "head_color_3d.png") as picture:
        assert np.ptp(np.asarray(picture)) > 100


def test_without_opengl_the_rendering_is_skipped_with_a_sentence(tmp_path, command, monkeypatch):
    path = write_nifti(tmp_path / "head.nii.gz")
    monkeypatch.setattr("MRIColorizeLib.files.offscreen.sys.executable", shutil.which("false"))
    answer = command(path, "--render")
    assert answer.code == 0
    assert "Note: No 3D rendering: VTK or OpenGL is missing" in answer.err
    assert (tmp_path / "head_color.nrrd").is_file()
    assert not (tmp_path / "head_color_3d.png").exists()


def test_a_preview_colours_one_slice_and_writes_one_picture(tmp_path, command):
    path = write_nifti(tmp_path / "head.nii.gz")
    answer = command(path, "--preview", 7, "--plane", "coronal")
    assert answer.code == 0
    assert "Coloured 1 coronal slices" in answer.out
    preview = tmp_path / "head_color_preview.png"
    assert sorted(tmp_path.iterdir()) == sorted([path, preview])


def test_results_go_where_they_are_sent(tmp_path, command):
    path = write_nifti(tmp_path / "head.nii.gz")
    assert command(path, "-o", tmp_path / "new" / "folder").code == 0
    assert (tmp_path / "new" / "folder" / "head_color.nrrd").is_file()
    assert command(path, "-o", tmp_path / "mine.nii.gz").code == 0
    assert (tmp_path / "mine.nii.gz").is_file()
    assert (tmp_path / "mine.png").is_file()


def test_several_inputs_share_one_model(tmp_path, command):
    first, second = (write_nifti(tmp_path / f"{name}.nii.gz") for name in "ab")
    answer = command(first, second)
    assert answer.code == 0
    assert answer.out.count("Model small") == 1
    assert (tmp_path / "a_color.nrrd").read_bytes() == (tmp_path / "b_color.nrrd").read_bytes()


def test_without_an_input_the_sample_is_coloured_into_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (job,) = plan_jobs([sample_path()], Path.cwd(), ".nrrd")
    assert job.source.name == SAMPLE
    assert job.volume == tmp_path / "head_t1_seg3d_defaced_color.nrrd"
    assert job.rendering == tmp_path / "head_t1_seg3d_defaced_color_3d.png"


def test_a_folder_given_by_dots_lends_its_own_name(tmp_path, monkeypatch):
    here = tmp_path / "series" / "deeper"
    here.mkdir(parents=True)
    monkeypatch.chdir(here)
    above, own = (plan_jobs([Path(dots)], None, ".nrrd")[0].volume for dots in ("..", "."))
    assert above == tmp_path / "series_color.nrrd"
    assert own == tmp_path / "series" / "deeper_color.nrrd"


def as_a_person_would(repository: Path, *arguments: object) -> None:
    """Run the command in a process of its own."""
    environment = {**os.environ, "PYTHONPATH": str(repository / "MRIColorize")}
    answer = run_python("-m", "MRIColorizeLib", *arguments, env=environment)
    assert answer.code == 0, answer.err


def test_a_real_crop_in_an_unusual_axis_order_keeps_its_grid(tmp_path, data, repository):
    name = "neck_t2_crop"
    as_a_person_would(repository, data / f"{name}.nii.gz", "-o", tmp_path, "--fast")
    assert_same_grid(tmp_path / f"{name}_color.nrrd", data / f"{name}.nii.gz")
    colors = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / f"{name}_color.nrrd")))
    assert colors.any()


def test_a_real_head_keeps_its_grid(tmp_path, data, repository, small_model):
    name = "head_t1_tiny"
    path = data / f"{name}.nii.gz"
    as_a_person_would(repository, path, "-o", tmp_path, "--model", small_model, "--fast")
    assert_same_grid(tmp_path / f"{name}_color.nrrd", path)
