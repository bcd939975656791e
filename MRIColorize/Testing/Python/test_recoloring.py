"""Other colours without the network: the same bytes for the same palette, close to a new run."""

import unittest
from dataclasses import replace

import numpy as np
from made_model import made_head, small_model

from MRIColorizeLib.engine.colorizer import Colorizer
from MRIColorizeLib.engine.recoloring import recolor
from MRIColorizeLib.errors import InputError
from MRIColorizeLib.options import ColorizeOptions
from MRIColorizeLib.tissue import PALETTE_LAB

EDITABLE = ColorizeOptions(precision="float32", editable=True, plane="axial")
LOOKS = {
    "natural": {},
    "no detail": {"detail": 0.0},
    "structure": {"mode": "structure"},
    "pale": {"blend": 0.6, "saturation": 0.4},
    "strong": {"saturation": 1.6, "background": "white"},
    "consensus": {"plane": "consensus"},
}


class RecoloringTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.engine = Colorizer(small_model(), "cpu")
        cls.volume = made_head()
        cls.color = cls.engine.colorize(cls.volume, EDITABLE)
        codes = cls.color.tissue[cls.color.mask]
        cls.common = int(np.bincount(codes).argmax())
        cls.other = PALETTE_LAB.copy()
        cls.other[cls.common] += (15, 10, -20)

    def test_being_editable_changes_no_colour(self):
        plain = self.engine.colorize(self.volume, replace(EDITABLE, editable=False))
        np.testing.assert_array_equal(plain.array, self.color.array)
        self.assertIsNone(plain.mixture)

    def test_the_palette_of_the_run_gives_its_very_bytes(self):
        np.testing.assert_array_equal(recolor(self.color, PALETTE_LAB), self.color.array)
        under = self.engine.colorize(self.volume, replace(EDITABLE, palette=self.other))
        np.testing.assert_array_equal(recolor(under, self.other), under.array)

    def test_the_result_is_a_new_array_and_the_volume_keeps_its_own(self):
        before = self.color.array.copy()
        result = recolor(self.color, self.other)
        self.assertEqual((result.shape, result.dtype), (before.shape, np.uint8))
        np.testing.assert_array_equal(self.color.array, before)

    def test_it_comes_close_to_a_run_with_that_palette_whatever_the_look(self):
        for name, look in LOOKS.items():
            with self.subTest(name):
                options = replace(EDITABLE, **look)
                result = recolor(self.engine.colorize(self.volume, options), self.other)
                run = self.engine.colorize(self.volume, replace(options, palette=self.other))
                distance = np.abs(result.astype(int) - run.array)
                # Fine detail follows the old lightness, and only four tissues are kept.
                self.assertLess(np.percentile(distance, 95), 6)
                changed = np.abs(run.array.astype(int) - self.color.array)[run.mask]
                self.assertGreater(changed.mean(), 2)

    def test_only_voxels_that_hold_the_changed_tissue_change(self):
        result = recolor(self.color, self.other)
        touched = (result != self.color.array).any(axis=3)
        held = np.zeros_like(touched)
        mixture = self.color.mixture
        held[self.color.mask] = ((mixture.tissues == self.common) & (mixture.weights > 0)).any(
            axis=1
        )
        self.assertFalse((touched & ~held).any())
        self.assertGreater(touched.sum(), 0)

    def test_structure_mode_keeps_the_mri_s_grey(self):
        color = self.engine.colorize(self.volume, replace(EDITABLE, mode="structure"))
        result = recolor(color, self.other)
        before, after = (a.mean(axis=3)[color.mask] for a in (color.array, result))
        self.assertLessEqual(np.abs(before - after).max(), 1.4)
        self.assertGreater(np.abs(result.astype(int) - color.array).max(), 10)

    def test_the_mixture_is_compact_and_its_weights_are_shares(self):
        mixture, voxels = self.color.mixture, int(self.color.mask.sum())
        size = sum(
            array.nbytes for array in (mixture.tissues, mixture.weights, mixture.lab, mixture.mri)
        )
        self.assertLessEqual(size, 17 * voxels)
        total = mixture.weights.sum(axis=1, dtype=int)
        self.assertLessEqual(total.max(), 255 + 2)
        self.assertGreater(np.median(total), 240)

    def test_a_preview_is_recoloured_where_it_was_coloured(self):
        color = self.engine.colorize(self.volume, replace(EDITABLE, slice_index=6))
        result = recolor(color, self.other)
        self.assertEqual(np.delete(result, 6, axis=0).max(), 0)
        self.assertGreater((result[6] != color.array[6]).sum(), 0)

    def test_what_cannot_be_recoloured_is_refused(self):
        with self.assertRaisesRegex(InputError, "editable"):
            recolor(replace(self.color, mixture=None), PALETTE_LAB)
        for wrong in (PALETTE_LAB[:5], np.full((13, 3), np.nan)):
            with self.assertRaisesRegex(InputError, "palette"):
                recolor(self.color, wrong)


if __name__ == "__main__":
    unittest.main()
