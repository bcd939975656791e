"""The generator: the published network to 1e-5 and its weights loaded; two real decoders else.

The published network is built here once more, from its description alone (Mathur et al., ISBI 2025,
and the layout of their public code): nothing of MRIColorizeLib takes part in it.
"""

import unittest

import torch
import torch.nn.functional as F
from torch import nn

from MRIColorizeLib.color import rgb_to_lab
from MRIColorizeLib.errors import ModelError
from MRIColorizeLib.network.config import GeneratorConfig
from MRIColorizeLib.network.generator import DualDecoderGenerator
from MRIColorizeLib.network.published import load_published_state_dict

# A bias in front of an instance norm is taken out again by the norm.
WITHOUT_EFFECT = {"conv1.bias", "conv2.bias", "conv3.bias", "model.9.bias", "model.12.bias"}


class PublishedBlock(nn.Module):
    """x + SE(x) on 512 channels; two convolutions are stored and never called."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(512, 512, 3)
        self.conv2 = nn.Conv2d(512, 512, 3)
        self.sqex = nn.Module()
        self.sqex.linear1 = nn.Linear(512, 32)
        self.sqex.linear2 = nn.Linear(32, 512)

    def forward(self, x):
        squeezed = torch.relu(self.sqex.linear1(x.mean(dim=(2, 3))))
        gate = torch.sigmoid(self.sqex.linear2(squeezed))
        return x + torch.einsum("bchw,bc->bchw", x, gate)


class PublishedNetwork(nn.Module):
    """The authors' generator under their key names; both decoders are one set of modules."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 128, 7)
        self.conv2 = nn.Conv2d(128, 256, 3, stride=2, padding=1)
        self.conv3 = nn.Conv2d(256, 512, 3, stride=2, padding=1)
        self.conv128 = self._branch(last_stride=2)
        self.conv64 = self._branch(last_stride=1)
        self.model = nn.Sequential(
            *(PublishedBlock() for _ in range(9)),
            nn.ConvTranspose2d(512, 256, 3, stride=2, padding=1, output_padding=1),  # 9
            nn.InstanceNorm2d(256),
            nn.ReLU(),
            nn.ConvTranspose2d(256, 128, 3, stride=2, padding=1, output_padding=1),  # 12
            nn.InstanceNorm2d(128),
            nn.ReLU(),
            nn.ReflectionPad2d(3),
            nn.Conv2d(128, 3, 7),  # 16
            nn.Sigmoid(),
        )
        self.model_cryo = self.model

    @staticmethod
    def _branch(last_stride):
        return nn.Sequential(
            nn.Conv2d(1, 64, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(64, 128, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(128, 256, 3, stride=last_stride, padding=1),
            nn.ReLU(),
        )

    def forward(self, x):
        # Bilinear by 1/2 reads between two pixels, by 1/4 between the middle two of four.
        half = F.avg_pool2d(x, 2)
        quarter = F.avg_pool2d(F.pad(x, (-1, -1, -1, -1)), 2, stride=4)
        features = F.pad(x, (3, 3, 3, 3), mode="reflect")
        for convolution in (self.conv1, self.conv2, self.conv3):
            features = torch.relu(F.instance_norm(convolution(features)))
        features = features + torch.cat((self.conv128(half), self.conv64(quarter)), dim=1)
        return self.model(features), self.model_cryo(features)


def _published_network():
    """Random weights, the gates' enlarged: at torch's own size they all stay close to 1/2."""
    torch.manual_seed(7)
    network = PublishedNetwork().eval().requires_grad_(False)
    for block in network.model[:9]:
        block.sqex.linear1.weight.mul_(8)
        block.sqex.linear2.weight.mul_(8)
    return network


def _used(state):
    """The tensors that take part, each once."""
    unused = (".conv1.", ".conv2.")
    return {
        key: tensor
        for key, tensor in state.items()
        if not key.startswith("model_cryo.") and not any(part in key for part in unused)
    }


class PublishedTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.theirs = _published_network()
        cls.state = cls.theirs.state_dict()
        cls.ours = DualDecoderGenerator(GeneratorConfig.published()).eval().requires_grad_(False)
        load_published_state_dict(cls.ours, cls.state)

    @classmethod
    def tearDownClass(cls):
        del cls.theirs, cls.state, cls.ours  # 190 MB

    def test_same_weights_give_the_same_pictures(self):
        for size in ((2, 1, 64, 64), (1, 1, 96, 128)):
            with self.subTest(size=size):
                x = torch.rand(size, generator=torch.Generator().manual_seed(1))
                color, pseudo = self.theirs(x)
                output = self.ours(x)
                self.assertGreater(float(color.std()), 0.05)  # pictures, no flat grey
                self.assertLess(float((output.color - color).abs().max()), 1e-5)
                self.assertLess(float((output.pseudo_cryosection - pseudo).abs().max()), 1e-5)

    def test_its_two_decoders_are_one(self):
        output = self.ours(torch.rand(1, 1, 32, 32))
        self.assertTrue(torch.equal(output.color, output.pseudo_cryosection))
        self.assertIs(self.ours.color, self.ours.semantic)
        self.assertIsNone(output.logits)

    def test_every_tensor_reaches_the_picture_so_none_is_loaded_into_the_wrong_place(self):
        x = torch.rand(1, 1, 32, 32, generator=torch.Generator().manual_seed(2))
        before = self.ours(x).color
        ours = dict(self.ours.named_parameters())
        for name, parameter in ours.items():
            saved = parameter.clone()
            parameter.mul_(-0.5)
            change = float((self.ours(x).color - before).abs().max())
            parameter.copy_(saved)
            twin = next(key for key, tensor in self.state.items() if torch.equal(tensor, saved))
            with self.subTest(ours=name, theirs=twin):
                if twin in WITHOUT_EFFECT:
                    self.assertLess(change, 1e-4)
                else:
                    self.assertGreater(change, 1e-4)

    def test_4_0_million_parameters_work_and_46_5_million_were_stored(self):
        used = sum(parameter.numel() for parameter in self.ours.parameters())
        self.assertEqual(used, sum(tensor.numel() for tensor in _used(self.state).values()))
        self.assertAlmostEqual(used / 1e6, 4.0, delta=0.05)
        stored = sum(parameter.numel() for parameter in self.theirs.parameters())
        self.assertAlmostEqual(stored / 1e6, 46.5, delta=0.05)

    def test_a_state_without_unused_tensors_aliases_or_with_ddp_s_prefix_loads_too(self):
        bare = {f"module.{key}": tensor for key, tensor in _used(self.state).items()}
        load_published_state_dict(self.ours, bare)
        x = torch.rand(1, 1, 32, 48)
        torch.testing.assert_close(self.ours(x).color, self.theirs(x)[0], rtol=0, atol=1e-5)

    def test_tensors_that_are_missing_unknown_or_of_another_shape_are_refused(self):
        used = _used(self.state)
        missing = {
            key: tensor for key, tensor in used.items() if key != "model.4.sqex.linear1.bias"
        }
        unknown = {**used, "model.17.weight": torch.zeros(3)}
        misshaped = {**used, "conv2.weight": torch.zeros(256, 128, 5, 5)}
        no_alias = {**used, "model_cryo.16.bias": used["model.16.bias"] + 1}
        for name, state, word in (
            ("missing", missing, "model.4.sqex.linear1.bias"),
            ("unknown", unknown, "model.17.weight"),
            ("mis-shaped", misshaped, "conv2.weight"),
            ("own weights in the second decoder", no_alias, "model_cryo.16.bias"),
        ):
            with self.subTest(name), self.assertRaisesRegex(ModelError, word):
                load_published_state_dict(self.ours, state)
        self.assertTrue(torch.equal(self.ours.state_dict()["semantic.output.bias"],
                                    used["model.16.bias"]))  # fmt: skip

    def test_another_configuration_is_refused(self):
        with self.assertRaises(ModelError):
            load_published_state_dict(DualDecoderGenerator(GeneratorConfig()), self.state)


class DefaultTest(unittest.TestCase):
    def setUp(self):
        torch.manual_seed(3)
        self.generator = DualDecoderGenerator(GeneratorConfig())

    def test_the_two_decoders_share_no_storage(self):
        semantic, color = (
            {tensor.untyped_storage().data_ptr() for tensor in decoder.state_dict().values()}
            for decoder in (self.generator.semantic, self.generator.color)
        )
        self.assertGreater(len(semantic), 10)
        self.assertGreater(len(color), len(semantic))  # gates of the cross skips
        self.assertTrue(semantic.isdisjoint(color))

    def test_every_trainable_parameter_gets_a_finite_gradient(self):
        # The few units of a gate's squeeze may all start behind a closed ReLU: here they are open,
        # else the claim would hold for some seeds only.
        for name, parameter in self.generator.named_parameters():
            if name.endswith("linear1.bias"):
                parameter.data.fill_(2)
        x = torch.rand(2, 1, 48, 40, generator=torch.Generator().manual_seed(4))
        output = self.generator.train()(x)
        target = torch.rand(output.color.shape, generator=torch.Generator().manual_seed(5))
        labels = torch.randint(0, output.logits.shape[1], (2, 48, 40))
        loss = (output.color - target).square().mean() + F.cross_entropy(output.logits, labels)
        loss.backward()
        for name, parameter in self.generator.named_parameters():
            with self.subTest(name):
                self.assertTrue(parameter.requires_grad)
                self.assertIsNotNone(parameter.grad)
                self.assertTrue(bool(torch.isfinite(parameter.grad).all()))
                self.assertGreater(float(parameter.grad.abs().max()), 0)

    def test_the_colour_decoder_s_loss_alone_reaches_the_semantic_decoder(self):
        output = self.generator(torch.rand(1, 1, 32, 32))
        output.residual.square().sum().backward()
        reached = self.generator.semantic.stage2.up.weight.grad
        self.assertGreater(float(reached.abs().max()), 0)

    def test_any_size_comes_back_at_its_own_size(self):
        self.generator.eval()
        for size in ((37, 50), (4, 4), (5, 64), (61, 63)):
            with self.subTest(size=size), torch.no_grad():
                output = self.generator(torch.rand(1, 1, *size))
                self.assertEqual(output.color.shape, (1, 3, *size))
                self.assertEqual(output.pseudo_cryosection.shape, (1, 3, *size))
                self.assertEqual(output.logits.shape, (1, self.generator.config.classes, *size))

    def test_black_padding_changes_the_colour_when_pooling_the_slice_and_hardly_over_the_body(self):
        # The design's bound: 64 px of black on every side change the body's colours by less than
        # 1 CIEDE2000 in the mean. CIEDE2000 is at most 1.5 times the Euclidean distance in Lab
        # (it stretches a* by that much near neutral), hence 0.66 of the latter. The same weights
        # pooled over the slice must change more, else this network could not fail.
        body = self._change_under_padding("body")
        whole = self._change_under_padding("slice")
        self.assertLess(body, 0.66)
        self.assertGreater(whole, 0.66)

    def _change_under_padding(self, pool):
        torch.manual_seed(6)
        generator = DualDecoderGenerator(GeneratorConfig(pool=pool, classes=13)).eval()
        for name, parameter in generator.named_parameters():
            if "linear" in name and name.endswith("weight"):
                parameter.data.mul_(8)  # gates that depend on what was pooled
            if name.endswith("output.weight"):
                parameter.data.mul_(8)  # tissues that differ
        x = _head(96)
        with torch.no_grad():
            before = generator(x).color
            after = generator(F.pad(x, (64,) * 4)).color[..., 64:-64, 64:-64]
        distance = (rgb_to_lab(before) - rgb_to_lab(after)).square().sum(1, keepdim=True).sqrt()
        return float(distance[x > 0].mean())


def _head(size):
    """A textured disc in a black slice (1, 1, size, size) with 16 px of air around it."""
    line = torch.linspace(-1, 1, size)
    radius = (line[:, None] ** 2 + line[None] ** 2).sqrt()
    texture = torch.rand(size, size, generator=torch.Generator().manual_seed(8))
    image = 0.3 + 0.4 * (radius < 0.4) + 0.2 * texture
    return (image * (radius < 1 - 32 / size))[None, None]


if __name__ == "__main__":
    unittest.main()
