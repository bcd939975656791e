"""What the options do to the colours: blend, background, palette, planes, confidence."""

import unittest
import warnings
from dataclasses import replace
from unittest import mock

import numpy as np
from made_model import made_head, small_model

from MRIColorizeLib.engine.body import normalize
from MRIColorizeLib.engine.colorizer import Colorizer
from MRIColorizeLib.errors import InputError
from MRIColorizeLib.options import ColorizeOptions
from MRIColorizeLib.tissue import PALETTE_LAB, Tissue
from MRIColorizeLib.volume import Volume, planes_to_color

PLAIN = ColorizeOptions(precision="float32", plane="axial")
ONE_PLANE = ("axial", "coronal", "sagittal")


def colored(**options):
    """The colours of the small model; options: of ColorizeOptions."""
    return LookTest.engine.colorize(LookTest.volume, replace(PLAIN, **options))


class LookTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        LookTest.engine = Colorizer(small_model(), "cpu")
        LookTest.volume = made_head()
        LookTest.plain = cls.engine.colorize(cls.volume, PLAIN)
        LookTest.body = cls.plain.mask
        scaled, _ = normalize(cls.volume.array)
        LookTest.grey = np.rint(scaled * 255).astype(np.uint8)


class BlendTest(LookTest):
    def test_without_colour_the_body_is_the_grey_mri(self):
        array = colored(blend=0.0).array
        for channel in range(3):
            np.testing.assert_array_equal(array[..., channel], self.grey)

    def test_half_a_blend_lies_in_the_middle_of_colour_and_grey(self):
        middle = (self.plain.array.astype(float) + self.grey[..., None]) / 2
        distance = np.abs(colored(blend=0.5).array - middle)[self.body]
        self.assertLessEqual(distance.max(), 1)

    def test_structure_mode_is_as_bright_as_the_mri_at_every_blend(self):
        for blend in (0.3, 1.0):
            array = colored(mode="structure", blend=blend).array
            distance = np.abs(array.mean(axis=3) - self.grey)[self.body]
            self.assertLessEqual(distance.max(), 1)


class BackgroundTest(LookTest):
    def test_the_background_is_what_was_asked_for_and_the_body_stays(self):
        white, mri = colored(background="white"), colored(background="mri")
        for result in (white, mri):
            np.testing.assert_array_equal(result.array[self.body], self.plain.array[self.body])
        self.assertEqual(white.array[~self.body].min(), 255)
        outside = mri.array[~self.body]
        self.assertGreater(outside.max(), 0)
        self.assertEqual(np.ptp(outside, axis=1).max(), 0, "grey")

    def test_with_a_mask_the_rest_of_the_mri_stays_grey(self):
        mask = self.body.copy()
        mask[:, :20] = False
        array = colored(background="mri", mask=mask).array
        left_out = self.body & ~mask
        self.assertEqual(np.ptp(array[left_out], axis=1).max(), 0)
        self.assertGreater(array[left_out].std(), 10)
        self.assertGreater(np.ptp(array[mask], axis=1).max(), 0)


class PaletteTest(LookTest):
    def test_the_model_s_own_palette_changes_no_byte(self):
        np.testing.assert_array_equal(colored(palette=PALETTE_LAB).array, self.plain.array)

    def test_a_grey_palette_takes_the_colour_out(self):
        grey = PALETTE_LAB * np.array([1, 0, 0], np.float32)
        spread = np.ptp(colored(palette=grey).array.astype(int), axis=3)[self.body]
        before = np.ptp(self.plain.array.astype(int), axis=3)[self.body]
        # The colour decoder's bounded residual is left.
        self.assertLess(spread.mean(), 0.5 * before.mean())

    def test_saturation_0_is_grey(self):
        self.assertLessEqual(np.ptp(colored(saturation=0.0).array.astype(int), axis=3).max(), 1)

    def test_palettes_that_are_none_are_refused(self):
        for wrong in (
            PALETTE_LAB[1:],
            PALETTE_LAB * np.nan,
            PALETTE_LAB * 10,
            PALETTE_LAB.astype(str),
        ):
            with self.assertRaisesRegex(InputError, "palette"):
                ColorizeOptions(palette=wrong)

    def test_a_model_that_paints_without_a_palette_refuses_one(self):
        engine = Colorizer(small_model(head="rgb", decoders="single"), "cpu")
        with self.assertRaisesRegex(InputError, "without a palette"):
            engine.colorize(self.volume, replace(PLAIN, palette=PALETTE_LAB))
        everything = replace(PLAIN, editable=True, confidence=True, plane="consensus")
        result = engine.colorize(self.volume, everything)
        self.assertIsNone(result.tissue)
        self.assertIsNone(result.confidence)
        self.assertIsNone(result.mixture)
        self.assertGreater(result.array[result.mask].std(), 0)


class ConfidenceTest(LookTest):
    def test_it_comes_only_when_asked_for_and_changes_no_colour(self):
        self.assertIsNone(self.plain.confidence)
        result = colored(confidence=True)
        np.testing.assert_array_equal(result.array, self.plain.array)
        self.assertEqual(result.confidence.dtype, np.uint8)
        self.assertEqual(result.confidence.shape, self.volume.array.shape)

    def test_it_is_a_probability_of_the_best_of_thirteen_tissues(self):
        confidence = colored(confidence=True).confidence
        self.assertEqual(confidence[~self.body].max(), 0)
        self.assertGreaterEqual(confidence[self.body].min(), 255 // len(Tissue))
        self.assertGreater(confidence[self.body].max(), 128)

    def test_it_is_lowest_where_tissues_meet(self):
        result = colored(confidence=True)
        codes = result.tissue.astype(int)
        meets = np.zeros_like(self.body)
        meets[:, :, 1:] = codes[:, :, 1:] != codes[:, :, :-1]
        inner = self.body & np.roll(self.body, 1, axis=2)
        self.assertLess(
            result.confidence[inner & meets].mean(), result.confidence[inner & ~meets].mean()
        )


class ConsensusTest(LookTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.result = colored(plane="consensus", confidence=True)

    def test_it_is_painted_with_the_palette_that_was_asked_for(self):
        engine = Colorizer(small_model(decoders="single"), "cpu")
        palette = np.tile(np.float32([60, 0, 0]), (len(PALETTE_LAB), 1))
        options = replace(PLAIN, plane="consensus", palette=palette)
        array = engine.colorize(self.volume, options).array[self.body]
        # CIELAB 60, 0, 0 is this grey (Lindbloom's calculator).
        self.assertLessEqual(np.abs(array.astype(int) - 145).max(), 1)

    def setUp(self):
        # The phantom is smaller than what a plain run looks at along three planes.
        small = mock.patch("MRIColorizeLib.volume.SMALLEST_SECTION_MM", 0.0)
        small.start()
        self.addCleanup(small.stop)

    def test_it_is_what_a_plain_run_makes_of_nearly_cubic_voxels_unless_it_is_to_be_fast(self):
        plain = colored(plane="auto", confidence=True)
        np.testing.assert_array_equal(plain.array, self.result.array)
        self.assertEqual(plain.provenance.plane, "consensus")
        np.testing.assert_array_equal(colored(plane="auto", fast=True).array, self.plain.array)
        with self.assertRaisesRegex(InputError, "one plane and consensus all three"):
            colored(plane="consensus", fast=True)

    def test_without_room_to_join_a_plain_run_takes_one_plane_and_says_so(self):
        with (
            mock.patch("MRIColorizeLib.engine.colorizer.free_memory", return_value=1000),
            self.assertWarnsRegex(UserWarning, "the axial plane alone is coloured"),
        ):
            one = colored(plane="auto")
        np.testing.assert_array_equal(one.array, self.plain.array)

    def test_its_tissue_is_one_that_the_planes_found_and_most_often_the_majority_s(self):
        codes = np.stack([colored(plane=plane).tissue for plane in ONE_PLANE])
        agreed = self.body & (codes == codes[0]).all(axis=0)
        self.assertGreater((self.result.tissue == codes[0])[agreed].mean(), 0.95)

    def test_it_counts_the_slices_of_every_plane_and_says_its_name(self):
        counts = [colored(plane=plane).provenance.slices for plane in ONE_PLANE]
        self.assertEqual(self.result.provenance.slices, sum(counts))
        self.assertEqual(self.result.provenance.plane, "consensus")

    def test_the_same_bytes_whatever_the_batch(self):
        again = colored(plane="consensus", confidence=True, batch_size=5)
        for name in ("array", "tissue", "confidence"):
            np.testing.assert_array_equal(getattr(again, name), getattr(self.result, name))

    def test_the_outside_stays_what_was_asked_for(self):
        self.assertEqual(self.result.array[~self.body].max(), 0)
        self.assertEqual(self.result.confidence[~self.body].max(), 0)
        white = colored(plane="consensus", background="white").array
        self.assertEqual(white[~self.body].min(), 255)

    def test_a_single_slice_is_coloured_in_one_plane_and_says_so(self):
        with self.assertWarnsRegex(UserWarning, "one plane"):
            single = colored(plane="consensus", slice_index=6)
        np.testing.assert_array_equal(single.array[6], self.plain.array[6])

    def test_a_thin_volume_is_seen_in_the_one_plane_that_shows_a_picture(self):
        thin = Volume(self.volume.array[6:7], self.volume.ijk_to_ras)
        for plane in ("consensus", "auto"):
            self.assertEqual(planes_to_color(thin, plane), ("axial",))
        result = self.engine.colorize(thin, replace(PLAIN, plane="consensus"))
        self.assertEqual(result.provenance.plane, "axial")


class WarningTest(LookTest):
    def test_an_ordinary_run_warns_of_nothing(self):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            colored(background="mri", editable=True, confidence=True)


if __name__ == "__main__":
    unittest.main()
