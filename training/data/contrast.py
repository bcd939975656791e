"""Contrasts from physics: what a sequence with drawn timing makes of each tissue.

Signal equations of spin echo, inversion recovery, spoiled and balanced gradient echo (Bernstein,
King and Zhou, Handbook of MRI Pulse Sequences, 2004) over proton density, T1 and T2 of the tissues
as measured at 1.5 and 3 T (Stanisz et al. 2005, de Bazelaire et al. 2004, Wansapura et al. 1999).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from MRIColorizeLib.tissue import Tissue

if TYPE_CHECKING:
    from training.config import SynthesisConfig
    from training.data.synthesis import Random

# Proton density (water 1), T1 and T2 in ms near 1.5 T. Fat's T2 is that of fast spin echoes, whose
# pulses lengthen it; solid bone and air have next to no signal at any echo time in use.
PROPERTIES = {
    Tissue.SKIN: (0.70, 900.0, 40.0),
    Tissue.FAT: (0.90, 290.0, 125.0),
    Tissue.MUSCLE: (0.80, 950.0, 42.0),
    Tissue.BONE: (0.08, 500.0, 15.0),
    Tissue.MARROW: (0.80, 480.0, 75.0),
    Tissue.GREY_MATTER: (0.83, 1120.0, 98.0),
    Tissue.WHITE_MATTER: (0.71, 720.0, 76.0),
    Tissue.CSF: (1.00, 4200.0, 1500.0),
    Tissue.AIR: (0.02, 800.0, 30.0),
    Tissue.LUNG: (0.20, 1100.0, 35.0),
    Tissue.ORGAN: (0.80, 850.0, 60.0),
    Tissue.OTHER: (0.80, 850.0, 60.0),
}
FIELD_INDEPENDENT = (Tissue.FAT, Tissue.CSF)  # whose T1 hardly grows from 1.5 to 3 T
VARIED = (Tissue.SKIN, Tissue.MARROW, Tissue.ORGAN, Tissue.OTHER)  # several tissues in one class
FATTY = (Tissue.FAT, Tissue.MARROW)

Draw = Callable[[float, float], Tensor]


def _t1_spin_echo(pd: Tensor, t1: Tensor, t2: Tensor, draw: Draw) -> Tensor:
    return _spin_echo(pd, t1, t2, draw(350, 750), draw(8, 20))


def _t1_inversion(pd: Tensor, t1: Tensor, t2: Tensor, draw: Draw) -> Tensor:
    """MPRAGE, its readout left aside."""
    inversion, repetition = draw(750, 1100), draw(1900, 2600)
    return _inversion_recovery(pd, t1, inversion, repetition)


def _t1_gradient_echo(pd: Tensor, t1: Tensor, t2: Tensor, draw: Draw) -> Tensor:
    return _spoiled(pd, t1, draw(12, 30), draw(20, 40))


def _t2_spin_echo(pd: Tensor, t1: Tensor, t2: Tensor, draw: Draw) -> Tensor:
    return _spin_echo(pd, t1, t2, draw(2800, 8000), draw(75, 125))


def _proton_density(pd: Tensor, t1: Tensor, t2: Tensor, draw: Draw) -> Tensor:
    return _spin_echo(pd, t1, t2, draw(2200, 5000), draw(10, 35))


def _flair(pd: Tensor, t1: Tensor, t2: Tensor, draw: Draw) -> Tensor:
    """Fluid-attenuated: the inversion time is near the one at which CSF passes through zero."""
    repetition = draw(6000, 11000)
    csf = PROPERTIES[Tissue.CSF][1]
    null = csf * torch.log(2 / (1 + torch.exp(-repetition / csf)))
    return _inversion_recovery(pd, t1, null * draw(0.9, 1.05), repetition) * torch.exp(
        -draw(80, 140) / t2
    )


def _t2_star(pd: Tensor, t1: Tensor, t2: Tensor, draw: Draw) -> Tensor:
    return _spoiled(pd, t1, draw(400, 800), draw(15, 30)) * torch.exp(-draw(10, 25) / (0.6 * t2))


def _balanced(pd: Tensor, t1: Tensor, t2: Tensor, draw: Draw) -> Tensor:
    """Balanced steady state: T2 over T1 at large flip angles, fluid and fat bright."""
    angle = torch.deg2rad(draw(35, 70))
    ratio = t1 / t2
    return pd * torch.sin(angle) / ((ratio + 1) - torch.cos(angle) * (ratio - 1))


def _spin_echo(pd: Tensor, t1: Tensor, t2: Tensor, repetition: Tensor, echo: Tensor) -> Tensor:
    return pd * (1 - torch.exp(-repetition / t1)) * torch.exp(-echo / t2)


def _inversion_recovery(pd: Tensor, t1: Tensor, inversion: Tensor, repetition: Tensor) -> Tensor:
    """Magnitude image."""
    return pd * (1 - 2 * torch.exp(-inversion / t1) + torch.exp(-repetition / t1)).abs()


def _spoiled(pd: Tensor, t1: Tensor, repetition: Tensor, degrees: Tensor) -> Tensor:
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
}


def draw_intensities(
    which: Tensor, config: SynthesisConfig, strength: float, rng: Random
) -> Tensor:
    """Signal of every tissue class in drawn sequences.

    which: (B,) index into SEQUENCES for each sample. strength: 0 to 1, share of the properties'
    spread. Returns (B, classes), background 0, brightest class 1.
    """
    count = len(which)
    table = torch.zeros(len(PROPERTIES) + 1, 3, device=which.device)
    for tissue, values in PROPERTIES.items():
        table[tissue] = torch.tensor(values)
    wide = torch.ones(len(table), device=which.device)
    wide[list(VARIED)] = 2.5
    shape = (count, *table.shape)
    spread = config.properties * strength * wide[:, None]
    varied = table * torch.exp(spread * rng.normal(*shape).clamp(-2, 2))
    pd, t1, t2 = varied.unbind(-1)  # (B, classes)
    field = rng.uniform(count, 1, high=0.3).repeat(1, len(table))  # of 3 T over 1.5 T
    field[:, list(FIELD_INDEPENDENT)] = 0
    t1 = (t1 * (1 + field)).clamp_min(1)
    t2 = t2.clamp_min(1)
    if config.inflow:
        t1, t2 = _bright_blood(t1, t2, config.inflow, rng)

    def draw(low: float, high: float) -> Tensor:
        return rng.uniform(count, 1, low=low, high=high)

    every = torch.stack([make(pd, t1, t2, draw) for make in SEQUENCES.values()])
    signal = every[which, torch.arange(count, device=which.device)]
    suppressed = rng.uniform(count) < config.fat_suppressed
    factor = torch.where(suppressed, rng.uniform(count, low=0.05, high=0.35), 1.0)
    signal[:, list(FATTY)] = signal[:, list(FATTY)] * factor[:, None]
    signal[:, Tissue.BACKGROUND] = 0
    return signal / signal.amax(dim=1, keepdim=True)


def _bright_blood(t1: Tensor, t2: Tensor, share: float, rng: Random) -> tuple[Tensor, Tensor]:
    """In a share of the samples blood that the pulses before have not seen, or contrast agent.

    Both look like a short T1; the T2 of blood is longer than that of the organs.
    """
    count = len(t1)
    bright = rng.uniform(count) < share
    shorter = torch.where(bright, rng.uniform(count, low=0.1, high=0.5), 1.0)
    longer = torch.where(bright, rng.uniform(count, low=1.0, high=3.5), 1.0)
    t1[:, Tissue.ORGAN] *= shorter
    t2[:, Tissue.ORGAN] *= longer
    return t1, t2
