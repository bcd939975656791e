"""One step of the networks: who learns from what, and who does not."""

import dataclasses

import pytest
import torch
from lightning.fabric import Fabric

import phantoms
from training.config import CONFIGS, LossConfig
from training.data.synthesis import Random
from training.learner import DivergedError, Learner, rate_share
from training.networks.segnet import SegNet
from training.sampling import StepSource
from training.settings import load_config

NO_WEIGHT = ("background", "windows", "reach", "chroma_squared")
OF_CHROMA = ("chroma", "classes", "colorfulness")  # of the competitors that predict chroma
EVERY_WEIGHT = [
    field.name
    for field in dataclasses.fields(LossConfig)
    if field.name not in (*NO_WEIGHT, *OF_CHROMA)
]


def _config(name="tiny_paper.toml", *overrides):
    small = ["pixels=4096", "slices.crops=[32]", "precision=32-true"]
    given = ["segnet.path=made", *small, *overrides]
    return load_config(CONFIGS / name, given)


def _learner(config):
    torch.manual_seed(1)
    segnet = SegNet(4, 2).eval().requires_grad_(False)
    return Learner(config, Fabric(accelerator="cpu", devices=1), segnet)


def _draw(config, seed=0):
    return StepSource(phantoms.training_set(), "train", config).draw(0.5, Random(seed))


def _gradients(network):
    return {name: p.grad.clone() for name, p in network.named_parameters() if p.grad is not None}


def _missing(network):
    """Names of the parameters that got no gradient, or nothing but zeros."""
    found = _gradients(network)
    return [
        name
        for name, _ in network.named_parameters()
        if name not in found or not found[name].abs().max() > 0
    ]


@pytest.mark.parametrize("unpaired", [0.0, 0.5, 1.0])
def test_every_parameter_of_every_network_gets_a_gradient(unpaired):
    config = _config("tiny_paper.toml", f"unpaired={unpaired}", "generator.norm=batch")
    learner = _learner(config)
    _, domains = learner.generator_backward(_draw(config))
    learner.critic_backward(domains)
    for player in learner.players.values():
        # A bias before a norm moves nothing, and in a gate this narrow all units may be closed.
        missing = [
            name
            for name in _missing(player.plain)
            if not name.endswith("bias") and ".attention." not in name
        ]
        assert missing == []
        assert len(_gradients(player.plain)) == len(list(player.plain.parameters()))


def test_the_supervised_default_trains_its_generator_and_nothing_else():
    config = _config("tiny.toml")
    learner = _learner(config)
    assert set(learner.players) == {"generator"}
    learner.generator_backward(_draw(config))
    generator = learner.players["generator"].plain
    assert len(_gradients(generator)) == len(list(generator.parameters()))


def test_the_generators_step_leaves_no_gradient_in_the_discriminators():
    config = _config()
    learner = _learner(config)
    critics = learner.players["critics"].plain
    learner.generator_backward(_draw(config))
    assert _gradients(critics) == {}
    assert all(parameter.requires_grad for parameter in critics.parameters())


def test_the_discriminators_learn_from_their_own_loss_alone():
    config = _config()
    alone, after = _learner(config), _learner(config)
    batches = _draw(config)
    _, domains = alone.generator_backward(batches)
    alone.players["critics"].optimizer.zero_grad()
    alone.critic_backward(domains)
    expected = _gradients(alone.players["critics"].plain)
    _, domains = after.generator_backward(batches)
    of_generator = _gradients(after.players["generator"].plain)
    after.critic_backward(domains)
    found = _gradients(after.players["critics"].plain)
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        assert torch.equal(found[name], gradient), name
    for name, gradient in _gradients(after.players["generator"].plain).items():
        assert torch.equal(of_generator[name], gradient), name  # nothing flows back


def test_all_losses_together_are_all_logged():
    weights = [f"losses.{name}=0.5" for name in EVERY_WEIGHT]
    config = _config("tiny.toml", "unpaired=0.5", "slices.crops=[48]", *weights)
    values = _learner(config).step(_draw(config), 0)
    assert set(values) == {*EVERY_WEIGHT, "critic_A", "critic_B"}


def test_all_losses_of_a_chroma_predictor_are_logged_beside_its_one_critic():
    weights = [f"losses.{name}=0.5" for name in (*OF_CHROMA, "adversarial")]
    network = ["network=chroma-gan", "generator.head=rgb", "generator.decoders=single"]
    config = _config("tiny.toml", "unpaired=0.5", *network, *weights)
    values = _learner(config).step(_draw(config), 0)
    assert set(values) == {*OF_CHROMA, "adversarial", "critic_B"}


def test_segnet_is_frozen_and_its_loss_reaches_the_generator():
    config = _config("tiny.toml", "losses.segmentation=1", *_no("color", "pseudo", "gradient"))
    config = dataclasses.replace(
        config, losses=dataclasses.replace(config.losses, tissue=0.0, structure=0.0)
    )
    segnet = SegNet(4, 2).eval().requires_grad_(False)
    before = {name: tensor.clone() for name, tensor in segnet.state_dict().items()}
    learner = Learner(config, Fabric(accelerator="cpu", devices=1), segnet)
    assert set(learner.step(_draw(config), 0)) == {"segmentation"}
    semantic = learner.players["generator"].plain.semantic
    assert semantic.output.weight.grad.abs().max() > 0
    for name, tensor in segnet.state_dict().items():
        assert torch.equal(tensor, before[name]), name


def _no(*names):
    return [f"losses.{name}=0" for name in names]


def test_the_colours_ssim_moves_lightness_alone_unless_told_otherwise():
    others = _no("color", "pseudo", "gradient", "tissue", "structure")
    for reach, moves_tissue in (("lightness", False), ("all", True)):
        config = _config("tiny.toml", *others, "losses.ssim_color=1", f"losses.reach={reach}")
        learner = _learner(config)
        learner.generator_backward(_draw(config))
        # The semantic decoder's last layer sets tissue; lightness does not come from it.
        gradient = learner.players["generator"].plain.semantic.output.weight.grad
        assert (gradient is not None and bool(gradient.abs().max() > 0)) == moves_tissue


@pytest.mark.parametrize("bad", ["loss", "gradient"])
def test_a_step_that_is_not_finite_changes_no_weight(bad):
    config = _config()
    learner = _learner(config)
    batches = _draw(config)
    if bad == "loss":
        batches.registered.real_B.fill_(float("nan"))
    else:
        learner.players["generator"].plain.encoder.stem[0].weight.register_hook(
            lambda gradient: gradient * float("inf")
        )
    before = [p.detach().clone() for player in learner.players.values() for p in _all(player)]
    with pytest.raises(DivergedError, match="loss 'ssim_pseudo'" if bad == "loss" else "generator"):
        learner.step(batches, 0)
    after = [p for player in learner.players.values() for p in _all(player)]
    assert all(torch.equal(first, second) for first, second in zip(before, after, strict=True))


def _all(player):
    return list(player.plain.parameters())


def test_the_rate_warms_up_and_falls_or_stays():
    config = _config("tiny.toml", "steps=100", "warmup=10")
    shares = [rate_share(config, step) for step in (0, 9, 50, 99)]
    assert shares[0] == pytest.approx(0.1, rel=0.01)
    assert shares[0] < shares[1] > shares[2] > shares[3] > 0
    assert rate_share(dataclasses.replace(config, schedule="constant"), 99) == 1
