"""The networks of a run with their optimizers, and one training step of them."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from lightning.fabric import Fabric
from torch import Tensor, nn

from MRIColorizeLib.network.config import GeneratorConfig
from MRIColorizeLib.network.generator import DualDecoderGenerator, GeneratorOutput
from training.average import WeightAverage
from training.classes import with_classes
from training.config import TrainConfig
from training.losses import supervised_losses
from training.networks.back import BackGenerator
from training.networks.chroma_gan import ChromaGanGenerator
from training.networks.color_queries import ColorQueryGenerator
from training.networks.discriminator import Critics
from training.objective import Domains, critic_terms, domain_terms, registered_terms
from training.parallel import synchronized
from training.sampling import StepBatch

NETWORKS: Mapping[str, Callable[[GeneratorConfig], nn.Module]] = {
    "dual-decoder": DualDecoderGenerator,
    "chroma-gan": ChromaGanGenerator,
    "color-queries": ColorQueryGenerator,
}


class DivergedError(Exception):
    """A loss or a gradient is not finite; no weight was changed by it."""


@dataclass(frozen=True)
class Player:
    """A network and its optimizer as Fabric wraps them; rate: its learning rate at full height."""

    network: nn.Module
    optimizer: torch.optim.Optimizer
    rate: float

    @property
    def plain(self) -> nn.Module:
        """The network itself, without the wrapper that joins the processes' gradients."""
        return self.network.module


class Learner:
    """Generator, and where the losses ask for them back generator and discriminators.

    players: by the names that a checkpoint uses. average: what is validated and exported.
    """

    def __init__(self, config: TrainConfig, fabric: Fabric, segnet: nn.Module | None) -> None:
        self.config, self.fabric = config, fabric
        self._segnet = None if segnet is None else segnet.to(fabric.device)
        # Channels last is faster, but torch's instance norm then errs in a lone sample's gradient.
        batch_norm = config.generator.norm == "batch"
        self._format = torch.channels_last if batch_norm else torch.contiguous_format
        torch.manual_seed(config.seed)
        generator = make_generator(config).to(memory_format=self._format)
        self.average = WeightAverage(generator.to(fabric.device), config.ema)
        self.players = {"generator": self._player(generator, config.learning_rate)}
        if config.needs_back:
            back = BackGenerator(config.generator, config.back_width)
            back = back.to(memory_format=self._format)
            self.players["back"] = self._player(back, config.learning_rate)
        if config.losses.adversarial:
            critics = Critics(config.critic, of_mri=config.needs_back)
            self.players["critics"] = self._player(critics, config.critic.learning_rate)

    def step(self, batches: StepBatch, number: int) -> dict[str, float]:
        """One update of every network; the losses by name, averaged over the processes.

        number: of the step, from 0. Raises DivergedError before the networks concerned are changed.
        """
        share = rate_share(self.config, number)
        terms, domains = self.generator_backward(batches)
        values = self._finite(terms)
        self._update(("generator", "back"), share)
        if "critics" in self.players and domains is not None:
            terms = self.critic_backward(domains)
            values |= self._finite(terms)
            self._update(("critics",), share)
        self.average.update(self.players["generator"].plain, number)
        return values

    def generator_backward(self, batches: StepBatch) -> tuple[dict[str, Tensor], Domains | None]:
        """Forward and backward of both generators; gradients reach no discriminator."""
        self._start("generator", "back")
        config, terms = self.config.losses, dict[str, Tensor]()
        output = None
        if (pairs := batches.registered) is not None:
            output = self._color(pairs.real_A, pairs.mask)
            terms |= supervised_losses(output, pairs, config)
            terms |= registered_terms(output, pairs, config, self._segment)
        domains = None
        with self._critics_held():
            if self.config.needs_domains:
                domains = self._cross(batches, output)
                judge = self.players["critics"].plain if "critics" in self.players else None
                terms |= domain_terms(domains, config, judge)
            self.fabric.backward(torch.stack(list(terms.values())).sum())
        return terms, domains

    def critic_backward(self, domains: Domains) -> dict[str, Tensor]:
        """Forward and backward of the discriminators on what the generators have just made."""
        self._start("critics")
        terms = critic_terms(domains, self.players["critics"].network)
        self.fabric.backward(torch.stack(list(terms.values())).sum())
        return terms

    @torch.no_grad()
    def round_trip(self, batches: StepBatch) -> Domains:
        """Both ways between the domains without learning; one process may do it alone."""
        for player in self.players.values():
            player.network.eval()
        return self._cross(batches, None)

    def state(self) -> dict[str, Any]:
        """Everything that changes in a step, by the keys of a checkpoint."""
        state: dict[str, Any] = {"average": self.average.network.state_dict()}
        for name, player in self.players.items():
            state[name] = player.plain.state_dict()
            state[_optimizer_key(name)] = player.optimizer.state_dict()
        return state

    def load_state(self, state: Mapping[str, Any]) -> None:
        """Take up what `state` gave. Raises KeyError, RuntimeError or ValueError if it misfits."""
        self.average.network.load_state_dict(state["average"])
        for name, player in self.players.items():
            player.plain.load_state_dict(state[name])
            player.optimizer.load_state_dict(state[_optimizer_key(name)])

    def start_from(self, weights: Mapping[str, Tensor]) -> None:
        """Begin with another run's generator. Raises RuntimeError when it is built otherwise."""
        weights = with_classes(weights, self.config.generator)
        self.average.network.load_state_dict(weights)
        self.players["generator"].plain.load_state_dict(weights)

    def _player(self, network: nn.Module, rate: float) -> Player:
        network = synchronized(network, self.fabric.device, self.fabric.world_size)
        optimizer = torch.optim.AdamW(
            network.parameters(), lr=rate, weight_decay=self.config.weight_decay
        )
        wrapped, wrapped_optimizer = self.fabric.setup(network, optimizer)
        return Player(wrapped, wrapped_optimizer, rate)

    def _color(self, real_A: Tensor, mask: Tensor) -> GeneratorOutput:
        real_A = real_A.contiguous(memory_format=self._format)
        return self.players["generator"].network(real_A, mask)

    def _segment(self, picture: Tensor) -> Tensor:
        if self._segnet is None:
            raise ValueError("losses.segmentation needs a SegNet.")
        with self.fabric.autocast():
            return self._segnet(picture)

    def _cross(self, batches: StepBatch, output: GeneratorOutput | None) -> Domains:
        """Both ways between the domains, and back where the cycle asks for it."""
        mri, cryosection = batches.domains
        reuse = output is not None and mri is batches.registered
        fake_B = output if output is not None and reuse else self._color(mri.real_A, mri.mask)
        if "back" not in self.players:
            return Domains(mri, cryosection, fake_B)
        back = self.players["back"].network
        fake_A = back(cryosection.real_B, cryosection.mask)
        if not self.config.losses.cycle:
            return Domains(mri, cryosection, fake_B, fake_A)
        rec_A = back(fake_B.color * mri.mask, mri.mask)
        rec_B = self._color(fake_A, cryosection.mask).color
        return Domains(mri, cryosection, fake_B, fake_A, rec_A, rec_B)

    def _start(self, *names: str) -> None:
        for player in self._named(names):
            player.network.train()
            player.optimizer.zero_grad(set_to_none=True)

    def _named(self, names: tuple[str, ...]) -> list[Player]:
        return [self.players[name] for name in names if name in self.players]

    @contextlib.contextmanager
    def _critics_held(self) -> Iterator[None]:
        """While the generators learn, the discriminators collect no gradients."""
        held = self._named(("critics",))
        for player in held:
            player.plain.requires_grad_(False)
        try:
            yield
        finally:
            for player in held:
                player.plain.requires_grad_(True)

    def _finite(self, terms: Mapping[str, Tensor]) -> dict[str, float]:
        """The terms as numbers, the same in every process."""
        stacked = torch.stack([term.detach().float() for term in terms.values()])
        numbers = dict(zip(terms, self.fabric.all_reduce(stacked).tolist(), strict=True))
        for name, number in numbers.items():
            if not math.isfinite(number):
                raise DivergedError(f"the loss {name!r} is {number}")
        return numbers

    def _update(self, names: tuple[str, ...], share: float) -> None:
        """Clip and step: all of the named networks, or none when a gradient is not finite."""
        limit = self.config.clip or math.inf
        for name in (name for name in names if name in self.players):
            player = self.players[name]
            norm = self.fabric.clip_gradients(
                player.network, player.optimizer, max_norm=limit, error_if_nonfinite=False
            )
            if not math.isfinite(float(norm)):
                raise DivergedError(f"the gradient of the {name} is {float(norm)}")
        for player in self._named(names):
            for group in player.optimizer.param_groups:
                group["lr"] = player.rate * share
            player.optimizer.step()


def make_generator(config: TrainConfig) -> nn.Module:
    """The network that a run trains, with fresh weights."""
    return NETWORKS[config.network](config.generator)


def rate_share(config: TrainConfig, step: int) -> float:
    """Learning rate of a step, as a share of the configured: warm-up, then cosine to 0.01."""
    warm = min((step + 1) / max(config.warmup, 1), 1.0)
    if config.schedule == "constant":
        return warm
    return warm * (0.5 + 0.49 * math.cos(math.pi * step / config.steps) + 0.01)


def _optimizer_key(name: str) -> str:
    return "optimizer" if name == "generator" else f"{name}_optimizer"
