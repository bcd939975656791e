"""The engine: geometry kept, same bytes for the same input, cancel at any batch, options obeyed."""

import dataclasses
import gc
import unittest
import weakref
from unittest import mock

import numpy as np
from stand_ins import DATA

from MRIColorizeLib.engine.colorizer import Colorizer
from MRIColorizeLib.engine.painting import Painter
from MRIColorizeLib.engine.schedule import MOST_ON_CPU
from MRIColorizeLib.errors import Cancelled, DeviceError, InputError
from MRIColorizeLib.files.reading import read_volume
from MRIColorizeLib.network.folding import fold_batch_norm
from MRIColorizeLib.network.generator import DualDecoderGenerator, GeneratorConfig
from MRIColorizeLib.network.model import Model, load_model
from MRIColorizeLib.options import ColorizeOptions
from MRIColorizeLib.volume import Volume


def _phantom(shape=(6, 40, 36)):
    """An ellipsoid with a core, on a grid of 2 mm."""
    axes = [np.linspace(-1.2, 1.2, n) for n in shape]
    z, y, x = np.meshgrid(*axes, indexing="ij")
    radius = np.sqrt(0.2 * z**2 + y**2 + x**2)
    array = np.where(radius < 1, 100.0, 2.0) + 60 * (radius < 0.5)
    array += np.random.default_rng(0).normal(0, 1, shape)
    return Volume(array.astype(np.float32), np.diag([2.0, 2.0, 2.0, 1.0]))


class ColorizerTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.model = load_model()
        cls.colorizer = Colorizer(cls.model, "cpu")
        cls.volume = _phantom()
        cls.result = cls.colorizer.colorize(cls.volume)

    def test_the_result_is_rgb_on_the_input_s_grid(self):
        self.assertEqual(self.result.array.shape, (*self.volume.array.shape, 3))
        self.assertEqual(self.result.array.dtype, np.uint8)
        np.testing.assert_array_equal(self.result.ijk_to_ras, self.volume.ijk_to_ras)

    def test_the_background_is_black_and_has_no_tissue(self):
        self.assertEqual(self.result.array[~self.result.mask].max(), 0)
        self.assertEqual(self.result.tissue[~self.result.mask].max(), 0)
        self.assertGreater(self.result.array[self.result.mask].std(), 0)

    def test_the_result_says_how_many_tissues_the_model_tells_apart(self):
        self.assertEqual(self.result.classes, self.model.generator.config.classes)

    def test_the_input_is_left_alone(self):
        np.testing.assert_array_equal(self.volume.array, _phantom().array)

    def test_the_same_input_gives_the_same_bytes_whatever_batch_and_threads(self):
        import torch

        self.addCleanup(torch.set_num_threads, torch.get_num_threads())
        tall = _phantom((20, 40, 36))
        for precision in ("auto", "float32"):
            options = ColorizeOptions(precision=precision, editable=True, confidence=True)
            first = self.colorizer.colorize(tall, options)
            for batch_size, threads in ((1, 1), (4, 3), (None, 2), (100, 2)):
                torch.set_num_threads(threads)
                again = self.colorizer.colorize(
                    tall, dataclasses.replace(options, batch_size=batch_size)
                )
                np.testing.assert_array_equal(again.array, first.array)
                np.testing.assert_array_equal(again.tissue, first.tissue)
                np.testing.assert_array_equal(again.confidence, first.confidence)
                np.testing.assert_array_equal(again.mixture.lab, first.mixture.lab)

    def test_bfloat16_is_within_two_grey_levels_of_float32(self):
        for name in ("head_t1_tiny.nii.gz", "neck_t2_crop.nii.gz"):
            volume = read_volume(DATA / name)
            exact, fast = (
                self.colorizer.colorize(volume, ColorizeOptions(precision=precision))
                for precision in ("float32", "bfloat16")
            )
            self.assertFalse(np.array_equal(exact.array, fast.array), "bfloat16 was not used")
            apart = np.abs(exact.array.astype(int) - fast.array)[exact.mask].max(axis=1)
            self.assertGreaterEqual((apart <= 2).mean(), 0.999, name)

    def test_an_axis_flip_in_file_and_geometry_flips_nothing_else(self):
        for plane in ("axial", "coronal", "sagittal"):
            options = ColorizeOptions(plane=plane)
            straight = self.colorizer.colorize(self.volume, options)
            turned = Volume(
                np.ascontiguousarray(self.volume.array.transpose(2, 0, 1)),
                self.volume.ijk_to_ras[:, [1, 2, 0, 3]],
            )
            back = self.colorizer.colorize(turned, options)
            np.testing.assert_array_equal(back.array.transpose(1, 2, 0, 3), straight.array)

    def test_every_plane_and_mode_runs_on_awkward_sizes(self):
        for shape, mode in (
            ((1, 5, 7), "natural"),
            ((3, 2, 9), "structure"),
            ((5, 33, 1), "natural"),
        ):
            volume = _phantom(shape)
            for plane in ("auto", "axial", "coronal", "sagittal"):
                options = ColorizeOptions(plane=plane, mode=mode, precision="float32")
                result = self.colorizer.colorize(volume, options)
                self.assertEqual(result.array.shape[:3], shape)
                self.assertEqual(result.provenance.mode, mode)

    def test_structure_mode_has_the_mri_s_grey(self):
        result = self.colorizer.colorize(self.volume, ColorizeOptions(mode="structure"))
        grey = result.array.mean(axis=3)[result.mask]
        mri = self.volume.array[result.mask]
        self.assertGreater(np.corrcoef(grey, mri)[0, 1], 0.99)

    def test_a_mask_limits_the_colours(self):
        mask = np.zeros(self.volume.array.shape, dtype=bool)
        mask[2:4, 10:30, 10:30] = True
        result = self.colorizer.colorize(self.volume, ColorizeOptions(mask=mask))
        self.assertEqual(result.array[~mask].max(), 0)
        self.assertGreater(result.array[mask].max(), 0)
        for wrong in (mask[1:], np.zeros_like(mask)):
            with self.assertRaises(InputError):
                self.colorizer.colorize(self.volume, ColorizeOptions(mask=wrong))

    def test_a_single_slice_comes_out_as_in_the_whole_volume(self):
        for plane, axis, precision in (("axial", 0, "auto"), ("sagittal", 2, "float32")):
            options = ColorizeOptions(plane=plane, precision=precision)
            whole = self.colorizer.colorize(self.volume, options)
            index = self.volume.array.shape[axis] // 2
            options = dataclasses.replace(options, slice_index=index)
            single = self.colorizer.colorize(self.volume, options).array
            np.testing.assert_array_equal(single.take(index, axis), whole.array.take(index, axis))
            self.assertEqual(np.delete(single, index, axis).max(), 0)
        with self.assertRaisesRegex(InputError, "Slice 99"):
            self.colorizer.colorize(self.volume, ColorizeOptions(slice_index=99))

    def test_progress_counts_the_slices_and_false_cancels_at_any_batch(self):
        tall, seen = _phantom((20, 40, 36)), []
        one_plane = ColorizeOptions(fast=True)
        self.colorizer.colorize(tall, one_plane, lambda *step: seen.append(step))
        total = seen[0][1]
        steps = [*range(0, total, MOST_ON_CPU), total]
        self.assertEqual([done for done, _ in seen], steps)
        self.assertGreater(len(steps), 3)
        for stop in range(len(seen)):
            calls = iter(range(len(seen)))
            with self.assertRaises(Cancelled):
                self.colorizer.colorize(
                    tall, one_plane, lambda done, total, c=calls, s=stop: next(c) != s
                )
        with self.assertRaises(Cancelled):
            self.colorizer.colorize(tall, None, lambda done, total: np.float32(done) < 0)

    def test_the_stepwise_form_returns_the_same(self):
        steps = self.colorizer.start(self.volume)
        while True:
            try:
                next(steps)
            except StopIteration as finished:
                np.testing.assert_array_equal(finished.value.array, self.result.array)
                return

    def test_unknown_options_and_devices_are_refused(self):
        for wrong in (
            {"plane": "oblique"},
            {"mode": "wild"},
            {"detail": float("nan")},
            {"detail": "much"},
            {"detail": None},
            {"confidence": "no"},
            {"saturation": -1},
            {"blend": 1.1},
            {"background": "green"},
            {"batch_size": 0},
            {"precision": "int3"},
        ):
            with self.assertRaises(InputError):
                ColorizeOptions(**wrong)
        with self.assertRaises(DeviceError):
            Colorizer(self.model, "abacus")

    def test_running_out_of_memory_halves_the_batch_and_says_so(self):
        import torch

        colorizer = Colorizer(self.model, "cpu")
        whole, calls = Painter.paint, []

        def paint(painter, layout, batch, *rest):
            calls.append(len(batch.slices))
            if len(batch.slices) > 2:
                raise torch.OutOfMemoryError("pretended")
            whole(painter, layout, batch, *rest)

        self.addCleanup(setattr, Painter, "paint", whole)
        Painter.paint = paint
        with self.assertWarnsRegex(UserWarning, "Out of memory"):
            result = colorizer.colorize(self.volume, ColorizeOptions(batch_size=6))
        self.assertEqual((max(calls), calls[-1]), (6, 2))
        np.testing.assert_array_equal(result.array, self.result.array)

    def on_a_card(self, has_room):
        """A colorizer on a pretended card, whose network computes here; and what it tried there.

        has_room(number, slices): whether the card's batch of this number has room.
        """
        import torch

        colorizer, tried, whole = Colorizer(self.model, "cpu"), [], Painter.paint
        colorizer.device = "mps"
        networks = {device: colorizer._prepare("cpu") for device in ("cpu", "mps")}
        colorizer._prepare = networks.get

        def paint(painter, layout, batch, *rest):
            if painter._network is networks["mps"]:
                tried.append(len(batch.slices))
                if not has_room(len(tried), len(batch.slices)):
                    raise torch.OutOfMemoryError("pretended")
            whole(painter, layout, batch, *rest)

        self.addCleanup(setattr, Painter, "paint", whole)
        Painter.paint = paint
        for name in ("torch.mps.empty_cache", "MRIColorizeLib.engine.devices.cpu_has_bfloat16"):
            patched = mock.patch(name, return_value=False)
            patched.start()
            self.addCleanup(patched.stop)
        return colorizer, tried

    def test_a_card_without_room_for_one_slice_leaves_the_work_to_the_processor(self):
        colorizer, _ = self.on_a_card(lambda number, slices: False)
        with self.assertWarnsRegex(UserWarning, "going on with the CPU"):
            result = colorizer.colorize(self.volume, ColorizeOptions(batch_size=2))
        self.assertEqual(result.provenance.device, "cpu")
        expected = self.colorizer.colorize(self.volume, ColorizeOptions(precision="float32"))
        np.testing.assert_array_equal(result.array, expected.array)

    def test_the_card_that_was_full_for_one_volume_is_tried_again_with_the_next(self):
        room = []
        colorizer, tried = self.on_a_card(lambda number, slices: room)
        options = ColorizeOptions(batch_size=2)
        with self.assertWarnsRegex(UserWarning, "going on with the CPU"):
            first = colorizer.colorize(self.volume, options)
        self.assertEqual(set(tried), {2, 1})
        room.append("another program has ended")
        second = colorizer.colorize(self.volume, options)
        self.assertEqual((first.provenance.device, second.provenance.device), ("cpu", "mps"))

    def test_provenance_tells_every_device_and_number_format_that_painted(self):
        colorizer, _ = self.on_a_card(lambda number, slices: number == 1)
        with (
            mock.patch("MRIColorizeLib.engine.devices.cpu_has_bfloat16", return_value=True),
            self.assertWarnsRegex(UserWarning, "going on with the CPU"),
        ):
            made = colorizer.colorize(self.volume, ColorizeOptions(batch_size=2)).provenance
        self.assertEqual((made.device, made.precision), ("mps, cpu", "float32, bfloat16"))

    def test_a_card_without_room_for_the_network_leaves_the_work_to_the_processor(self):
        import torch

        colorizer, tried = self.on_a_card(lambda number, slices: True)
        on_cpu = colorizer._prepare("cpu")

        def prepare(device):
            if device == "mps":
                raise torch.OutOfMemoryError("pretended")
            return on_cpu

        colorizer._prepare = prepare
        with self.assertWarnsRegex(UserWarning, "going on with the CPU"):
            result = colorizer.colorize(self.volume)
        self.assertEqual((result.provenance.device, tried), ("cpu", []))

    def test_a_batch_that_had_no_room_is_freed_before_fewer_slices_are_tried(self):
        import torch

        colorizer, held, freed = Colorizer(self.model, "cpu"), [], []
        whole = Painter._network_lab

        def network_lab(painter, mri, *rest):
            features = torch.zeros(len(mri))
            if len(mri) > 2:
                held.append(weakref.ref(features))
                raise torch.OutOfMemoryError("pretended")
            freed.append(all(tensor() is None for tensor in held))
            return whole(painter, mri, *rest)

        self.addCleanup(setattr, Painter, "_network_lab", whole)
        Painter._network_lab = network_lab
        gc.disable()  # what only the collector frees would still take its room
        self.addCleanup(gc.enable)
        with self.assertWarnsRegex(UserWarning, "Out of memory"):
            colorizer.colorize(self.volume)
        self.assertGreater(len(held), 0)
        self.assertTrue(all(freed))


class NetworkFormTest(unittest.TestCase):
    def test_folded_batch_norm_gives_the_same_numbers(self):
        import torch

        torch.manual_seed(0)
        generator = DualDecoderGenerator(GeneratorConfig(width=8, branch_width=4, blocks=2))
        with torch.no_grad():
            for _ in range(3):  # statistics other than 0 and 1
                generator.train()(torch.rand(2, 1, 32, 32))
        generator.eval()
        x = torch.rand(1, 1, 30, 34)
        folded = fold_batch_norm(generator)
        self.assertFalse(any(isinstance(m, torch.nn.BatchNorm2d) for m in folded.modules()))
        with torch.no_grad():
            torch.testing.assert_close(folded(x).color, generator(x).color, atol=1e-5, rtol=0)

    def test_a_model_with_the_rgb_head_colours_without_a_tissue_map(self):
        import torch

        torch.manual_seed(0)
        config = GeneratorConfig(width=8, branch_width=4, blocks=1, head="rgb", norm="instance")
        card = dataclasses.replace(load_model().card, name="rgb")
        model = Model(card, DualDecoderGenerator(config).eval())
        result = Colorizer(model, "cpu").colorize(_phantom())
        self.assertIsNone(result.tissue)
        self.assertGreater(result.array[result.mask].std(), 0)


if __name__ == "__main__":
    unittest.main()
