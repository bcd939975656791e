"""Contrasts from physics: what a sequence with drawn timing makes of each structure.

Signal equations of spin echo, inversion recovery, spoiled and balanced gradient echo (Bernstein,
King and Zhou, Handbook of MRI Pulse Sequences, 2004) over the properties of structures.py. Water
and fat are kept apart, as Dixon's method (1984) does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from MRIColorizeLib.tissue import Tissue
from training.data.structures import CODES, STRUCTURES

if TYPE_CHECKING:
    from training.config import SynthesisConfig
    from training.data.synthesis import Random

FIELD_INDEPENDENT = (Tissue.FAT, Tissue.CSF)  # whose T1 hardly grows from 1.5 to 3 T
# How far a contrast agent shortens the T1 of what it reaches: least and most.
AGENT = {
    Tissue.BLOOD: (0.12, 0.4),
    Tissue.KIDNEY: (0.2, 0.6),
    Tissue.SPLEEN: (0.35, 0.8),
    Tissue.HEART: (0.4, 0.8),
    Tissue.LIVER: (0.45, 0.9),
    Tissue.BOWEL: (0.45, 0.95),
    Tissue.GLAND: (0.4, 0.9),
    Tissue.OTHER: (0.4, 1.0),
    Tissue.MUSCLE: (0.75, 0.98),
    Tissue.SKIN: (0.5, 0.95),
}

Draw = Callable[[float, float], Tensor]


@dataclass(frozen=True)
class Signals:
    """What each structure sends in each sample: water, fat (B, CODES), the brightest at 1.

    opposed: (B,) bool, whether fat is subtracted from water in every voxel.
    """

    water: Tensor
    fat: Tensor
    opposed: Tensor

    @property
    def whole(self) -> Tensor:
        """Signal of a voxel that is all of one structure, (B, CODES)."""
        sign = torch.where(self.opposed, -1.0, 1.0)[:, None]
        return (self.water + sign * self.fat).abs()


def _t1_spin_echo(pd: Tensor, t1: Tensor, t2: Tensor, draw: Draw) -> Tensor:
    return spin_echo(pd, t1, t2, draw(350, 750), draw(8, 20))


def _t1_inversion(pd: Tensor, t1: Tensor, t2: Tensor, draw: Draw) -> Tensor:
    """MPRAGE, its readout left aside."""
    inversion, repetition = draw(750, 1100), draw(1900, 2600)
    return _inversion_recovery(pd, t1, inversion, repetition)


def _t1_gradient_echo(pd: Tensor, t1: Tensor, t2: Tensor, draw: Draw) -> Tensor:
    return spoiled(pd, t1, draw(12, 30), draw(20, 40))


def _t2_spin_echo(pd: Tensor, t1: Tensor, t2: Tensor, draw: Draw) -> Tensor:
    return spin_echo(pd, t1, t2, draw(2800, 8000), draw(60, 125))


def _proton_density(pd: Tensor, t1: Tensor, t2: Tensor, draw: Draw) -> Tensor:
    return spin_echo(pd, t1, t2, draw(1800, 5000), draw(6, 45))


def _flair(pd: Tensor, t1: Tensor, t2: Tensor, draw: Draw) -> Tensor:
    """Fluid-attenuated: the inversion time is near the one at which CSF passes through zero."""
    repetition = draw(6000, 11000)
    null = _null_time(STRUCTURES[Tissue.CSF].t1, repetition)
    return _inversion_recovery(pd, t1, null * draw(0.9, 1.05), repetition) * torch.exp(
        -draw(80, 140) / t2
    )


def _t2_star(pd: Tensor, t1: Tensor, t2: Tensor, draw: Draw) -> Tensor:
    return spoiled(pd, t1, draw(400, 800), draw(15, 30)) * torch.exp(-draw(10, 25) / (0.6 * t2))


def _balanced(pd: Tensor, t1: Tensor, t2: Tensor, draw: Draw) -> Tensor:
    """Balanced steady state: T2 over T1 at large flip angles, fluid and fat bright."""
    angle = torch.deg2rad(draw(35, 70))
    ratio = t1 / t2
    return pd * torch.sin(angle) / ((ratio + 1) - torch.cos(angle) * (ratio - 1))


def _short_inversion(pd: Tensor, t1: Tensor, t2: Tensor, draw: Draw) -> Tensor:
    """STIR: the inversion time is near the one at which fat passes through zero."""
    repetition = draw(3000, 6000)
    null = _null_time(STRUCTURES[Tissue.FAT].t1, repetition)
    return _inversion_recovery(pd, t1, null * draw(0.88, 1.12), repetition) * torch.exp(
        -draw(20, 80) / t2
    )


def _null_time(t1: float, repetition: Tensor) -> Tensor:
    return t1 * torch.log(2 / (1 + torch.exp(-repetition / t1)))


def spin_echo(pd: Tensor, t1: Tensor, t2: Tensor, repetition: Tensor, echo: Tensor) -> Tensor:
    return pd * (1 - torch.exp(-repetition / t1)) * torch.exp(-echo / t2)


def _inversion_recovery(pd: Tensor, t1: Tensor, inversion: Tensor, repetition: Tensor) -> Tensor:
    """Magnitude image."""
    return pd * (1 - 2 * torch.exp(-inversion / t1) + torch.exp(-repetition / t1)).abs()


def spoiled(pd: Tensor, t1: Tensor, repetition: Tensor, degrees: Tensor) -> Tensor:
    angle, decay = torch.deg2rad(degrees), torch.exp(-repetition / t1)
    return pd * torch.sin(angle) * (1 - decay) / (1 - torch.cos(angle) * decay)


# In the order of SynthesisConfig.shares; real images, most of them T1, come on top.
SEQUENCES: dict[str, Callable[[Tensor, Tensor, Tensor, Draw], Tensor]] = {
    "T1 spin echo": _t1_spin_echo,
    "T1 inversion recovery": _t1_inversion,
    "T1 gradient echo": _t1_gradient_echo,
    "T2": _t2_spin_echo,
    "PD": _proton_density,
    "FLAIR": _flair,
    "T2*": _t2_star,
    "balanced": _balanced,
    "STIR": _short_inversion,
}
T1_WEIGHTED = (0, 1, 2)
SPIN_ECHOES = (0, 3, 4, 5, 8)  # in which blood that flows may have left the slice before the echo


def draw_signals(which: Tensor, config: SynthesisConfig, strength: float, rng: Random) -> Signals:
    """Signal of every structure in drawn sequences.

    which: (B,) index into SEQUENCES for each sample. strength: 0 to 1, share of the properties'
    spread.
    """
    count = len(which)
    pd, t1, t2, fraction = _properties(count, config, strength, rng)
    _change_blood(which, pd, t1, t2, config, rng)

    def draw(low: float, high: float) -> Tensor:
        return rng.uniform(count, 1, low=low, high=high)

    every = torch.stack([make(pd, t1, t2, draw) for make in SEQUENCES.values()])
    signal = every[which, torch.arange(count, device=which.device)]
    signal[:, Tissue.BACKGROUND] = 0
    return _water_and_fat(signal, fraction, config, rng)


def _properties(
    count: int, config: SynthesisConfig, strength: float, rng: Random
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Proton density, T1, T2 and the share of fat of every structure, (count, CODES) each."""
    table = torch.zeros(CODES, 4, device=rng.device)
    wide = torch.ones(CODES, device=rng.device)
    for code, structure in STRUCTURES.items():
        table[code] = torch.tensor((structure.density, structure.t1, structure.t2, structure.fat))
        wide[code] = structure.spread
    spread = config.properties * strength * wide[:, None]
    varied = table * torch.exp(spread * rng.normal(count, *table.shape).clamp(-2, 2))
    pd, t1, t2, fraction = varied.unbind(-1)
    field = rng.uniform(count, 1, high=0.3).repeat(1, CODES)  # of 3 T over 1.5 T
    field[:, list(FIELD_INDEPENDENT)] = 0
    return pd, (t1 * (1 + field)).clamp_min(1), t2.clamp_min(1), fraction.clamp(0, 0.97)


def _change_blood(
    which: Tensor,
    pd: Tensor,
    t1: Tensor,
    t2: Tensor,
    config: SynthesisConfig,
    rng: Random,
) -> None:
    """Fresh blood that flows in, contrast agent, and blood that has left before the echo."""
    count = len(which)
    fresh = rng.uniform(count) < config.inflow
    t1[:, Tissue.BLOOD] *= torch.where(fresh, rng.uniform(count, low=0.1, high=0.5), 1.0)
    t1_weighted = torch.isin(which, torch.tensor(T1_WEIGHTED, device=which.device))
    agent = t1_weighted & (rng.uniform(count) < config.agent)
    for tissue, (low, high) in AGENT.items():
        t1[:, tissue] *= torch.where(agent, rng.uniform(count, low=low, high=high), 1.0)
    echoes = torch.isin(which, torch.tensor(SPIN_ECHOES, device=which.device))
    gone = echoes & ~fresh & ~agent & (rng.uniform(count) < config.outflow)
    pd[:, Tissue.BLOOD] *= torch.where(gone, rng.uniform(count, low=0.02, high=0.3), 1.0)


def _water_and_fat(
    signal: Tensor, fraction: Tensor, config: SynthesisConfig, rng: Random
) -> Signals:
    """Both parts of the signal, as the sequence's treatment of fat leaves them."""
    count = len(signal)
    water = signal * (1 - fraction)
    # What fat is mixed into other tissue relaxes as fat does.
    fat = fraction * signal[:, [Tissue.FAT]]
    fate = rng.uniform(count, 1)
    rest = rng.uniform(count, 1, high=0.08)
    third = config.dixon / 3
    fat = torch.where(fate < third, rest * fat, fat)  # Dixon's water image
    water = torch.where((fate >= third) & (fate < 2 * third), rest * water, water)  # its fat image
    opposed = (fate >= 2 * third) & (fate < config.dixon)
    suppressed = (fate >= config.dixon) & (fate < config.dixon + config.fat_suppressed)
    fat = torch.where(suppressed, rng.uniform(count, 1, low=0.03, high=0.35) * fat, fat)
    signals = Signals(water, fat, opposed[:, 0])
    brightest = signals.whole.amax(dim=1, keepdim=True).clamp_min(1e-6)
    return Signals(water / brightest, fat / brightest, opposed[:, 0])
