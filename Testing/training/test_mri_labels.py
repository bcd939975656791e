"""The table of scans keeps test scans out, and a prepared scan is cropped and complete."""

import tempfile
import unittest
from pathlib import Path

import nibabel
import numpy as np
from matplotlib import image as matplotlib_image

from MRIColorizeLib.tissue import Tissue
from training.data.mri_atlas import Atlas
from training.data.mri_labels import SOURCES, MriSource, prepare_one
from training.data.mri_picture import write_montage
from training.data.mri_read import Scan
from training.data.mri_recipes import RecipeError, flair_head, freesurfer_brain

FACTS = {"sha256": "0" * 64, "licence": "MIT"}
HELD_OUT = ("stroke", "m2208", "seg3d", "neck", "fetal", "tiny")


def no_atlas():
    empty = Scan(np.zeros((2, 2, 2), np.uint8), np.eye(4))
    return Atlas(empty, empty)


class TableOfScans(unittest.TestCase):
    def test_no_test_scan_is_prepared(self):
        for source in SOURCES:
            self.assertFalse([word for word in HELD_OUT if word in source.file], source.name)

    def test_no_person_is_in_two_splits(self):
        people = {}
        for source in SOURCES:
            person = source.name.removesuffix("_t1").removesuffix("_t2").removesuffix("_flair")
            people.setdefault(person, set()).add(source.split)
        self.assertEqual([person for person, splits in people.items() if len(splits) > 1], [])
        self.assertEqual(
            {split for splits in people.values() for split in splits}, {"train", "val"}
        )

    def test_names_are_unique(self):
        self.assertEqual(len({source.name for source in SOURCES}), len(SOURCES))


class PreparingOneScan(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def source(self, recipe):
        array = np.zeros((30, 40, 50), np.uint8)
        array[10:20, 15:25, 20:30] = 90
        nibabel.save(
            nibabel.Nifti1Image(array, np.diag([2.0, 2.0, 3.0, 1.0])), self.folder / "s.nii"
        )
        return MriSource("s", "s.nii", "train", recipe, "By hand.")

    def test_it_is_cropped_to_its_labels_with_a_margin(self):
        def recipe(scan, labels, atlas):
            return np.where(scan.array > 0, Tissue.GREY_MATTER, 0).astype(np.uint8)

        volume = prepare_one(self.source(recipe), self.folder, FACTS, no_atlas())
        self.assertEqual(volume.image.shape, (18, 18, 18))
        np.testing.assert_allclose(volume.spacing, [3, 2, 2])
        self.assertTrue(((volume.image > 0) == (volume.labels > 0)).all())
        self.assertEqual(volume.entry.licence, "MIT")
        self.assertEqual(volume.entry.kind, "mri")

    def test_a_recipe_without_its_label_map_says_so(self):
        for recipe in (freesurfer_brain(), flair_head(None)):
            with self.assertRaises(RecipeError):
                prepare_one(self.source(recipe), self.folder, FACTS, no_atlas())

    def test_the_montage_shows_scan_and_labels_in_three_planes(self):
        image = np.zeros((20, 20, 20), np.float32)
        image[5:15, 5:15, 5:15] = 1.0
        labels = np.where(image > 0, Tissue.CSF, 0).astype(np.uint8)
        path = self.folder / "montage.png"
        write_montage(path, image, labels, np.ones(3), columns=2, height=20)
        picture = matplotlib_image.imread(path)[..., :3]
        self.assertEqual(picture.shape[:2], (6 * 23, 40))
        np.testing.assert_allclose(picture[10, 10], 1.0)
        np.testing.assert_allclose(picture[33, 10], [0, 120 / 255, 1.0], atol=0.01)


if __name__ == "__main__":
    unittest.main()
