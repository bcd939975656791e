"""The whole-body stack: its split, its colours and the entry point's refusals."""

import tempfile
import unittest
from pathlib import Path

import numpy as np
from skimage.color import lab2rgb, rgb2lab

from MRIColorizeLib.tissue import CLASSES, Tissue
from training.data.cryosection import (
    TEST_SLABS,
    measure_palette,
    prepare_cryosections,
    stack_split,
    write_picture,
)
from training.data.cryosection_outlines import ColourRules, StackOutlines
from training.data.cryosection_palette import class_medians, core, fit_affine, fit_between_films
from training.data.cryosection_read import CryosectionError, find_stack_body, read_rgb
from training.data.cryosection_stack import (
    STACK_FRAMES,
    StackFrame,
    blend_posterised,
    clean_frames,
    label_frame,
    paint_skin,
)
from training.data.prepared import ManifestEntry, PreparedVolume

COLOURS = np.array([(66, 3, 28), (25, 19, 16), (55, 9, 28), (74, -2, 31), (24, 1, 6)], float)


def to_rgb(lab):
    return np.rint(lab2rgb(np.asarray(lab, float)) * 255).astype(np.uint8)


class SplitTest(unittest.TestCase):
    def test_no_training_frame_touches_a_held_out_one(self):
        split = stack_split()
        held = set(split["val"]) | set(split["test"])
        for frame in split["train"]:
            self.assertFalse({frame - 1, frame, frame + 1} & held)
        self.assertFalse(set(split["val"]) & set(split["test"]))

    def test_there_are_enough_slabs_and_enough_heads_to_learn_from(self):
        split = stack_split()
        self.assertGreaterEqual(len(TEST_SLABS), 8)
        self.assertTrue(all(len(slab) <= 2 for slab in TEST_SLABS))
        self.assertTrue(8 <= len(split["val"]) <= 10)
        self.assertGreaterEqual(sum(frame <= 25 for frame in split["train"]), 13)
        self.assertTrue(all(0 <= k < STACK_FRAMES for part in split.values() for k in part))


class ColoursTest(unittest.TestCase):
    def test_an_affine_change_of_the_film_is_undone(self):
        matrix = np.array([[0.9, 0.1, 0.0], [0.05, 1.2, 0.1], [0.0, -0.1, 0.8]])
        source = COLOURS @ matrix + (5, -2, 3)
        affine = fit_affine(source, COLOURS, np.ones(len(source)), ridge=1e-6)
        np.testing.assert_allclose(affine(source), COLOURS, atol=0.01)

    def test_the_ridge_keeps_the_map_near_the_identity(self):
        source = COLOURS * (1.0, 1.5, 0.6)
        loose, stiff = (fit_affine(source, COLOURS, np.ones(5), r).matrix for r in (1e-6, 1e6))
        self.assertLess(np.abs(stiff - np.eye(3)).max(), 0.01)
        self.assertGreater(np.abs(loose - np.eye(3)).max(), 0.3)

    def test_a_fit_needs_a_colour(self):
        with self.assertRaises(ValueError):
            fit_affine(np.empty((0, 3)), np.empty((0, 3)), np.empty(0))

    def test_films_are_matched_by_their_classes_and_black_stays_black(self):
        codes = (Tissue.FAT, Tissue.MUSCLE, Tissue.GREY_MATTER, Tissue.WHITE_MATTER)
        target = np.full((CLASSES, 3), np.nan)
        target[list(codes)] = COLOURS[:4]
        labels = np.repeat(codes, 100)
        lab = np.repeat(COLOURS[:4], 100, axis=0) * (0.9, 1.1, 1.1)
        affine = fit_between_films(lab, labels, target, codes)
        before = np.abs(lab[::100] - COLOURS[:4]).mean()
        self.assertLess(np.abs(affine(lab[::100]) - COLOURS[:4]).mean(), 0.4 * before)
        self.assertLess(np.abs(affine(np.zeros(3))).max(), 2)

    def test_the_core_leaves_out_borders(self):
        labels = np.full((9, 12), Tissue.FAT, np.uint8)
        labels[:, 6:] = Tissue.MUSCLE
        kept = core(labels, 1.0)
        self.assertEqual(np.flatnonzero(kept[4] == 0).tolist(), [5, 6])

    def test_an_absent_class_has_no_median(self):
        medians, counts = class_medians(np.ones((4, 3)), np.full(4, Tissue.FAT))
        self.assertEqual(counts[Tissue.FAT], 4)
        self.assertTrue(np.isnan(medians[Tissue.BONE]).all())
        np.testing.assert_array_equal(medians[Tissue.FAT], 1)

    def test_posterised_speckle_is_blended_and_edges_stay(self):
        checker = np.indices((20, 20)).sum(0) % 2
        lab = np.where(checker[..., None], (60, 8, 28), (54, 8, 28)).astype(float)
        lab[:, 10:] = (25, 19, 16)
        blended = rgb2lab(blend_posterised(to_rgb(lab), np.ones((20, 20), bool)))
        self.assertLess(np.ptp(blended[4:16, 4:7, 0]), 2.0)
        self.assertGreater(blended[10, 9, 0] - blended[10, 10, 0], 25)

    def test_only_skin_is_painted(self):
        rgb = np.full((2, 2, 3), 200, np.uint8)
        labels = np.array([[Tissue.SKIN, Tissue.FAT], [Tissue.FAT, 0]], np.uint8)
        painted = paint_skin(rgb, labels, np.array([46.0, 4, 16]))
        self.assertLess(painted[0, 0].max(), 180)
        self.assertTrue((painted.reshape(-1, 3)[1:] == 200).all())


class FrameTest(unittest.TestCase):
    def test_the_closing_title_is_left_out(self):
        frames = np.zeros((149, 4, 4, 3), np.uint8)
        self.assertEqual(len(clean_frames(frames)), STACK_FRAMES)

    def test_a_leg_has_skin_fat_muscle_and_a_bone_with_yellow_marrow(self):
        rows, columns = np.indices((70, 70)) - 34.5
        radius = np.hypot(rows, columns)
        lab = np.zeros((70, 70, 3))
        for limit, colour in ((31, COLOURS[0]), (25, COLOURS[1]), (8, COLOURS[0])):
            lab[radius < limit] = colour
        rgb = to_rgb(lab)
        frame = StackFrame(100, rgb, *find_stack_body(rgb))
        rules = ColourRules(5, 40, -4, 47, 11, 30, 56)
        labels = label_frame(frame, frame.rgb, StackOutlines({}), rules)
        ray = labels[35, 35:]
        layers = [int(ray[0])] + [int(b) for a, b in zip(ray, ray[1:], strict=False) if a != b]
        self.assertEqual(
            layers,
            [
                Tissue.FAT,
                Tissue.BONE,
                Tissue.MUSCLE,
                Tissue.FAT,
                Tissue.SKIN,
                Tissue.BACKGROUND,
            ],
        )


class EntryPointTest(unittest.TestCase):
    def test_a_missing_or_changed_source_is_refused_before_anything_is_written(self):
        with tempfile.TemporaryDirectory() as folder:
            source, out = Path(folder) / "source", Path(folder) / "out"
            source.mkdir()
            with self.assertRaisesRegex(CryosectionError, "vhm_head_vm1111.png"):
                prepare_cryosections(source, out)
            (source / "vhm_head_vm1111.png").write_bytes(b"another picture")
            with self.assertRaisesRegex(CryosectionError, "not the picture"):
                prepare_cryosections(source, out)
            self.assertFalse(out.exists())

    def test_pictures_and_palettes_come_from_prepared_volumes(self):
        entry = ManifestEntry("a", "a.npz", "cryosection", "train", "", "", "", "")
        labels = np.full((1, 12, 20), Tissue.FAT, np.uint8)
        labels[..., 10:] = Tissue.MUSCLE
        image = np.where((labels == Tissue.FAT)[..., None], *map(to_rgb, COLOURS[:2]))
        volume = PreparedVolume(entry, image.astype(np.uint8), labels, np.ones(3, np.float32))
        palette = measure_palette([volume])
        np.testing.assert_allclose(palette[[Tissue.FAT, Tissue.MUSCLE]], COLOURS[:2], atol=0.7)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "new" / "a.png"
            write_picture(volume, path)
            self.assertEqual(read_rgb(path).shape, (12, 40, 3))
