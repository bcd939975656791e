"""Competitors: they keep the MRI's lightness and learn in every parameter."""

import copy

import numpy as np
import pytest
import torch
from skimage.color import rgb2lab

import phantoms
from MRIColorizeLib.color import rgb_to_lab
from MRIColorizeLib.engine.body import normalize
from MRIColorizeLib.network.card import ModelCard
from MRIColorizeLib.network.config import GeneratorConfig
from MRIColorizeLib.network.model import Model
from MRIColorizeLib.options import ColorizeOptions
from MRIColorizeLib.scale import Scale
from MRIColorizeLib.tissue import CLASSES, Tissue
from MRIColorizeLib.volume import Volume
from training.config import CONFIGS, LossConfig
from training.data.slices import Batch
from training.data.synthesis import Random
from training.errors import ConfigError, RunError
from training.export import ExportNotes, export_model
from training.learner import NETWORKS, Learner
from training.losses import mean_colorfulness, share_divergence, supervised_losses
from training.measure.colorings.engines import colorizer_of
from training.measure.metrics.measures import colorfulness
from training.networks.chroma import AB_BOUND
from training.parallel import make_fabric
from training.sampling import StepSource
from training.settings import load_config
from training.trainer import Trainer

ARMS = ("chroma_gan", "color_queries", "cyclegan", "published_small")
CHROMA = ("chroma-gan", "color-queries")
TINY = [
    "steps=2",
    "pixels=16384",
    "precision=32-true",
    "threads=1",
    "slices.crops=[32]",
    "generator.width=8",
    "generator.branch_width=4",
    "critic.width=4",
    "losses.segmentation=0",
    "segnet.path=''",
    "validate_every=2",
    "save_every=2",
    "validation_batches=1",
]


def _config(arm, *more):
    return load_config(CONFIGS / "experiments" / f"{arm}.toml", [*TINY, *more])


def _network(kind):
    torch.manual_seed(0)
    return NETWORKS[kind](GeneratorConfig(width=8, head="rgb", decoders="single")).eval()


@pytest.mark.parametrize("arm", ARMS)
def test_a_step_reaches_every_parameter_of_every_network(arm):
    config = _config(arm, "clip=0")
    learner = Learner(config, make_fabric(config.precision), None)
    source = StepSource(phantoms.training_set(), "train", config)
    batches = source.draw(1.0, Random(1))
    assert batches.samples == 16
    _, domains = learner.generator_backward(batches)
    for name, player in learner.players.items():
        found = [p.grad is not None for p in player.plain.parameters()]
        assert all(found) == (name != "critics"), name
    learner.critic_backward(domains)
    for name, player in learner.players.items():
        for key, parameter in player.plain.named_parameters():
            assert parameter.grad is not None, (name, key)
            assert torch.isfinite(parameter.grad).all(), (name, key)


@pytest.mark.parametrize("arm", ["chroma_gan", "color_queries"])
def test_a_competitor_trains_through_the_trainer_and_the_back_way_is_left_out(arm, tmp_path):
    trainer = Trainer(_config(arm), phantoms.training_set(), tmp_path)
    before = copy.deepcopy(trainer.learner.players["generator"].plain.state_dict())
    assert trainer.run()
    assert set(trainer.learner.players) == {"generator", "critics"}
    after = trainer.learner.players["generator"].plain.state_dict()
    moved = [not torch.equal(before[name], after[name]) for name in before]
    assert np.mean(moved) > 0.9
    assert Trainer(_config(arm), phantoms.training_set(), tmp_path).step == 2
    about = ExportNotes("1")
    with pytest.raises(RunError, match="for comparison"):
        export_model(tmp_path, _config(arm), [], tmp_path / "model", about)
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("kind", CHROMA)
@pytest.mark.parametrize("size", [(64, 64), (37, 50)])
def test_the_lightness_of_the_input_is_kept(kind, size):
    grey = torch.rand(2, 1, *size) * 0.6 + 0.2
    output = _network(kind)(grey)
    assert output.color.shape == (2, 3, *size)
    assert output.ab.shape == (2, 2, *size)
    assert output.ab.abs().max() <= AB_BOUND
    inside = ((output.color > 0) & (output.color < 1)).all(dim=1)  # the rest left the gamut
    assert inside.float().mean() > 0.9
    light, own = (rgb_to_lab(x)[:, 0] for x in (output.color, grey.expand(-1, 3, -1, -1)))
    assert (light - own)[inside].abs().max() < 0.01


@pytest.mark.parametrize("kind", CHROMA)
def test_colours_do_not_depend_on_the_other_slices_of_a_batch(kind):
    network, grey = _network(kind), torch.rand(3, 1, 32, 32)
    with torch.no_grad():
        assert torch.allclose(network(grey).ab[1:2], network(grey[1:2]).ab, atol=1e-4)


@pytest.mark.parametrize("kind", CHROMA)
def test_the_engine_keeps_the_lightness_too(kind, tmp_path):
    network = _network(kind)
    card = ModelCard(kind, "", "", "", Scale.fixed(1.0), 1.0, {}, "", 0, tmp_path, {})
    head = phantoms.mri(shape=(3, 70, 60))
    volume = Volume(head.image, np.eye(4))
    result = colorizer_of(Model(card, network)).colorize(
        volume, ColorizeOptions(mask=head.labels > 0, precision="float32")
    )
    mri, mask = normalize(head.image, head.labels > 0)
    made, own = rgb2lab(result.array), rgb2lab(np.repeat(mri[..., None], 3, axis=-1))
    inside = mask & ((result.array > 0) & (result.array < 255)).all(axis=-1)
    assert inside.sum() > 0.5 * mask.sum()
    assert np.abs(made - own)[inside][:, 0].max() < 1  # a grey level of eight bits
    assert result.tissue is None


def _batch(labels):
    count = labels.shape[-1]
    mask = (labels > 0).float()[:, None]
    grey = torch.rand(len(labels), 1, count, count)
    return Batch(grey, mask, labels, grey.expand(-1, 3, -1, -1) * mask, torch.ones(len(labels)) > 0)


def test_the_divergence_of_shares_is_zero_for_the_true_ones():
    labels = torch.zeros(1, 4, 4, dtype=torch.long)
    labels[:, :2], labels[:, 2] = Tissue.FAT, Tissue.MUSCLE  # two to one; the rest is no body
    scores = torch.full((1, CLASSES), -30.0)
    scores[0, Tissue.FAT], scores[0, Tissue.MUSCLE] = np.log(2 / 3), np.log(1 / 3)
    assert float(share_divergence(scores, _batch(labels))) == pytest.approx(0, abs=1e-5)
    even = torch.zeros(1, CLASSES)
    expected = np.log(CLASSES) + 2 / 3 * np.log(2 / 3) + 1 / 3 * np.log(1 / 3)
    assert float(share_divergence(even, _batch(labels))) == pytest.approx(expected, rel=1e-5)


def test_colourfulness_is_the_one_that_is_measured():
    rgb = torch.rand(2, 3, 16, 16)
    mask = (torch.rand(2, 1, 16, 16) > 0.4).float()
    measured = colorfulness(rgb.permute(0, 2, 3, 1).numpy(), mask[:, 0].numpy() > 0)
    assert float(mean_colorfulness(rgb, mask)) == pytest.approx(measured.mean(), rel=1e-4)


def test_the_chroma_loss_is_the_distance_in_a_and_b_or_its_square():
    batch = _batch(torch.ones(2, 32, 32, dtype=torch.long))
    output = _network("chroma-gan")(batch.real_A, batch.mask)
    output = output._replace(ab=rgb_to_lab(batch.real_B)[:, 1:] + 10)
    for squared, expected in ((False, 10), (True, 100)):
        config = LossConfig(chroma=1.0, chroma_squared=squared)
        terms = supervised_losses(output, batch, config)
        assert set(terms) == {"chroma"}
        assert float(terms["chroma"]) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize(
    ("arm", "change"),
    [
        ("chroma_gan", "losses.cycle=1"),
        ("color_queries", "losses.ssim_radiometric=1"),
        ("color_queries", "generator.head=palette"),
        ("rgb", "losses.chroma=1"),
    ],
)
def test_terms_that_a_network_cannot_have_are_refused(arm, change):
    with pytest.raises(ConfigError, match="one way|predicts chroma"):
        _config(arm, change)
