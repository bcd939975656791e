"""Colour arithmetic against VTK and against its own definitions."""

import unittest

import numpy as np
import torch
import vtk

from MRIColorizeLib.color import add_detail, lab_to_rgb, lock_lightness, rgb_to_lab, saturate
from MRIColorizeLib.scene.rendering import alpha
from MRIColorizeLib.volume import Volume


def _random_rgb(seed=0, size=(2, 3, 16, 20)):
    return torch.rand(size, generator=torch.Generator().manual_seed(seed))


class LabTest(unittest.TestCase):
    def test_lab_equals_vtk_s(self):
        pixels = _random_rgb(size=(50, 3, 1, 1))
        expected = np.zeros((50, 3))
        for pixel, lab in zip(pixels[:, :, 0, 0].double().numpy(), expected, strict=True):
            vtk.vtkMath.RGBToLab(pixel, lab)
        np.testing.assert_allclose(rgb_to_lab(pixels)[:, :, 0, 0].numpy(), expected, atol=0.05)

    def test_there_and_back(self):
        rgb = _random_rgb()
        torch.testing.assert_close(lab_to_rgb(rgb_to_lab(rgb)), rgb, atol=1e-4, rtol=0)

    def test_gradients_are_finite_even_at_black_and_white(self):
        rgb = torch.stack((torch.zeros(3, 2, 2), torch.ones(3, 2, 2))).requires_grad_()
        lab_to_rgb(rgb_to_lab(rgb)).sum().backward()
        self.assertTrue(torch.isfinite(rgb.grad).all())


class ModeTest(unittest.TestCase):
    def test_locked_colours_have_the_mri_s_grey_and_stay_in_range(self):
        rgb, mri = _random_rgb(), _random_rgb(1, (2, 1, 16, 20))
        locked = lock_lightness(rgb, mri)
        torch.testing.assert_close(locked.mean(1, keepdim=True), mri, atol=1e-4, rtol=0)
        self.assertGreaterEqual(float(locked.min()), 0)
        self.assertLessEqual(float(locked.max()), 1 + 1e-6)

    def test_detail_sharpens_an_edge_whichever_way_the_contrast_runs(self):
        step = (torch.arange(24) >= 12).float().expand(1, 1, 24, 24)
        lightness = 40 + 20 * torch.nn.functional.avg_pool2d(step, 5, 1, 2)
        lab = torch.cat((lightness, torch.zeros(1, 2, 24, 24)), dim=1)
        for mri in (0.2 + 0.5 * step, 0.7 - 0.5 * step):
            sharp = add_detail(lab, mri, 1.0)[0, 0, 12]
            self.assertGreater(
                float(sharp[12] - sharp[11]),
                float(lightness[0, 0, 12, 12] - lightness[0, 0, 12, 11]),
            )

    def test_no_detail_is_invented_where_the_lightness_is_flat(self):
        lab = torch.full((1, 3, 16, 16), 30.0)
        torch.testing.assert_close(add_detail(lab, _random_rgb(2, (1, 1, 16, 16)), 1.0), lab)

    def test_saturation_0_is_grey_and_keeps_the_lightness(self):
        lab = rgb_to_lab(_random_rgb())
        grey = saturate(lab, 0)
        torch.testing.assert_close(grey[:, 0], lab[:, 0])
        self.assertEqual(float(grey[:, 1:].abs().max()), 0)


class OpacityTest(unittest.TestCase):
    def test_dark_tissue_stays_visible_and_the_outside_does_not(self):
        array = np.zeros((4, 5, 6), dtype=np.float32)
        mask = np.zeros(array.shape, dtype=bool)
        mask[1:3] = True
        array[1], array[2] = 1.0, 100.0
        opacity = alpha(Volume(array, np.eye(4)), mask)
        self.assertEqual(opacity.dtype, np.uint8)
        self.assertEqual(opacity[~mask].max(), 0)
        self.assertGreater(opacity[1].min(), 50)
        self.assertEqual(opacity[2].min(), 255)


if __name__ == "__main__":
    unittest.main()
