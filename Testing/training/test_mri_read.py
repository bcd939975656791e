"""Scans of any axis order are read into one order, and keep their place in space."""

import tempfile
import unittest
from pathlib import Path

import nibabel
import numpy as np

from training.data.mri_read import (
    MriReadError,
    Scan,
    box_around,
    read_scan,
    resample_labels,
)

SPACING_LPS = np.array([1.0, 2.0, 3.0])


def stored(codes, dtype=np.uint8):
    """A NIfTI file of a marked volume whose axes are turned to `codes`."""
    array = np.zeros((4, 5, 6), dtype)
    array[0, 0, 5] = 200  # right, anterior, top in LPS order
    affine = np.diag([-1.0, -2.0, 3.0, 1.0])
    image = nibabel.Nifti1Image(array, affine)
    turn = nibabel.orientations.ornt_transform(
        nibabel.io_orientation(affine), nibabel.orientations.axcodes2ornt(codes)
    )
    return image.as_reoriented(turn)


class ReadingScans(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def read(self, codes, dtype=np.uint8):
        nibabel.save(stored(codes, dtype), self.folder / "scan.nii.gz")
        return read_scan(self.folder / "scan.nii.gz")

    def test_every_axis_order_gives_the_same_array(self):
        for codes in ("LPS", "RAS", "PIR", "LIA", "ASL"):
            with self.subTest(codes):
                scan = self.read(tuple(codes))
                self.assertEqual(scan.array.shape, (6, 5, 4))
                self.assertEqual(scan.array[5, 0, 0], 200)
                self.assertEqual(int((scan.array > 0).sum()), 1)

    def test_spacing_follows_k_j_i(self):
        for codes in ("LPS", "PIR"):
            np.testing.assert_allclose(self.read(tuple(codes)).spacing, [3.0, 2.0, 1.0])

    def test_a_marked_voxel_keeps_its_place_in_space(self):
        expected = np.array([0.0, 0.0, 15.0])
        for codes in ("LPS", "RAS", "LIA"):
            scan = self.read(tuple(codes))
            place = scan.kji_to_ras @ [*np.argwhere(scan.array > 0)[0], 1]
            np.testing.assert_allclose(place[:3], expected, atol=1e-5)

    def test_integers_are_stored_in_the_narrowest_type(self):
        self.assertEqual(self.read(tuple("RAS"), np.int16).array.dtype, np.uint8)
        self.assertEqual(self.read(tuple("RAS"), np.float64).array.dtype, np.float32)

    def test_a_missing_file_is_a_read_error(self):
        with self.assertRaises(MriReadError):
            read_scan(self.folder / "none.nii.gz")

    def test_a_series_is_a_read_error(self):
        series = nibabel.Nifti1Image(np.zeros((3, 3, 3, 2), np.uint8), np.eye(4))
        nibabel.save(series, self.folder / "series.nii")
        with self.assertRaises(MriReadError):
            read_scan(self.folder / "series.nii")


class Grids(unittest.TestCase):
    def test_a_crop_keeps_physical_positions(self):
        scan = Scan(np.arange(60).reshape(3, 4, 5), np.diag([3.0, -2.0, -1.0, 1.0]))
        part = scan.crop((slice(1, 3), slice(2, 4), slice(0, 5)))
        place = part.kji_to_ras @ [0, 0, 0, 1]
        np.testing.assert_allclose(place, scan.kji_to_ras @ [1, 2, 0, 1])
        self.assertEqual(part.array[0, 0, 0], scan.array[1, 2, 0])

    def test_labels_are_brought_to_another_grid_by_position(self):
        labels = np.zeros((10, 10, 10), np.uint8)
        labels[4:6, 4:6, 4:6] = 7  # 4 to 6 mm from the corner along each axis
        fine = np.diag([0.5, 0.5, 0.5, 1.0])
        fine[:3, 3] = 2.0
        onto = Scan(np.zeros((10, 10, 10), np.uint8), fine)
        found = resample_labels(Scan(labels, np.eye(4)), onto)
        np.testing.assert_allclose(np.argwhere(found == 7).mean(0) * 0.5 + 2.0, 4.5, atol=0.3)
        self.assertEqual(set(np.unique(found)), {0, 7})

    def test_a_box_has_its_margin_and_stays_inside(self):
        mask = np.zeros((10, 10, 10), bool)
        mask[1, 5, 9] = True
        self.assertEqual(box_around(mask, 2), (slice(0, 4), slice(3, 8), slice(7, 10)))

    def test_the_box_of_nothing_is_everything(self):
        self.assertEqual(
            box_around(np.zeros((2, 3, 4), bool), 1), tuple(map(slice, (0,) * 3, (2, 3, 4)))
        )


if __name__ == "__main__":
    unittest.main()
