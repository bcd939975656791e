"""The smooth field that brightens what lies near a coil, estimated from the image alone."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import legendre

# Degree of the polynomial in three variables. Of 2 to 6 tried on a knee in three echoes, fat and
# muscle got more even up to 4; 5 and 6 changed their coefficients of variation by less than 0.005.
DEGREE = 4
BLOCKS = 28  # along an axis; differences are taken between neighbouring ones
# Weight of the bending energy beside the mean squared deviation: it keeps the field calm where no
# tissue tells it.
STIFFNESS = 3e-5
PIECE = 128  # columns multiplied at once
ROUNDS = 10  # of reweighting
# Blocks darker than this share of the median count as that bright: their logarithm is noise.
DARKEST = 1e-3
Indices = slice | np.ndarray
DERIVATIVES = ((2, 0, 0), (0, 2, 0), (0, 0, 2), (1, 1, 0), (1, 0, 1), (0, 1, 1))


@dataclass(frozen=True)
class BiasField:
    """A positive field over a grid (K, J, I), 1 in the median of the tissue it was found in.

    coefficients: float64 (n, n, n) of its logarithm, for Legendre polynomials of the places along
    K, J, I from -1 to 1; lowest, highest: the logarithm's limits, as found in the tissue.
    """

    shape: tuple[int, ...]
    coefficients: np.ndarray
    lowest: float
    highest: float

    def at(self, k: Indices, j: Indices, i: Indices) -> np.ndarray:
        """The field where these slices, rows and columns cross: float32 (K, J, I) of them."""
        along = [
            _legendre(_places(count)[each])
            for count, each in zip(self.shape, (k, j, i), strict=True)
        ]
        log = np.einsum("abc,ak->kbc", self.coefficients, along[0])
        log = np.einsum("kbc,bj->kjc", log, along[1]).astype(np.float32)
        log = log @ along[2].astype(np.float32)
        np.clip(log, self.lowest, self.highest, out=log)
        return np.exp(log, out=log)


def estimate_bias(array: np.ndarray, body: np.ndarray, blocks: int = BLOCKS) -> BiasField:
    """The bias of a volume, by how its intensity changes from place to place in the body.

    array: float32 (K, J, I), 0 without signal. body: bool (K, J, I). blocks: along an axis at most;
    fewer are faster and coarser, 20 need a third of the time of 28. The logarithm of the field is
    a polynomial whose differences between neighbouring blocks follow those of the image. What
    differs much, as the borders of tissues do, counts little: Geman and McClure's function (1985)
    by iteratively reweighted least squares.
    """
    values, inside, places = _blocks(array, body, blocks)
    solution = None
    typical = float(np.median(values[inside])) if inside.any() else 0.0
    if typical > 0:
        logarithm = np.log(np.maximum(values, DARKEST * typical)).astype(np.float32)
        orders = _orders(values.shape)
        solution = _fitted(orders, places, logarithm, inside)
    coefficients = np.zeros((DEGREE + 1,) * 3)
    if solution is None:
        return BiasField(array.shape, coefficients, 0.0, 0.0)
    field = np.tensordot(solution, _terms(orders, places), 1)[inside]
    middle = float(np.median(field))
    coefficients[tuple(np.transpose(orders))] = solution
    coefficients[0, 0, 0] = -middle
    lowest, highest = float(field.min()) - middle, float(field.max()) - middle
    return BiasField(array.shape, coefficients, lowest, highest)


def spread(count: int, most: int) -> np.ndarray:
    """Indices of at most `most` voxels of an axis, evenly spread, the same from either end."""
    middles = (np.arange(min(count, most)) + 0.5) * (count / min(count, most)) - 0.5
    middles = np.where(middles < (count - 1) / 2, np.floor(middles), np.ceil(middles))
    return middles.astype(np.intp)


def _blocks(
    array: np.ndarray, body: np.ndarray, blocks: int
) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """Means of the body in blocks, which blocks hold enough of it, and their places.

    A block has two samples along an axis, or one where the axis has few. Places run from -1 to 1.
    """
    seen, places = [], []
    for count in array.shape:
        each = 1 if count < 2 * blocks else 2
        seen.append(spread(count, each * blocks))
        places.append(_places(count)[seen[-1]].reshape(-1, each).mean(axis=1))
    inside = body[np.ix_(*seen)].astype(np.float32)
    sums, weights = (_sums(one, places) for one in (array[np.ix_(*seen)] * inside, inside))
    return sums / np.maximum(weights, 1), weights > 0.75 * inside.size / weights.size, places


def _sums(array: np.ndarray, places: list[np.ndarray]) -> np.ndarray:
    k, j, i = (len(each) for each in places)
    return array.reshape(k, -1, j, array.shape[1] // j, i, array.shape[2] // i).sum(axis=(1, 3, 5))


def _places(count: int) -> np.ndarray:
    """Where the voxels of an axis lie: from -1 to 1, and at 0 where there is one."""
    return np.linspace(-1, 1, count) if count > 1 else np.zeros(1)


def _legendre(places: np.ndarray, derivative: int = 0) -> np.ndarray:
    """Legendre polynomials up to DEGREE, or their derivatives: float64 (n, len(places))."""
    unit = np.eye(DEGREE + 1)
    return np.stack([legendre.legval(places, legendre.legder(one, derivative)) for one in unit])


def _orders(shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """The orders along K, J, I of every term: up to DEGREE together, none along a single block."""
    return [
        order
        for order in itertools.product(range(DEGREE + 1), repeat=3)
        if 0 < sum(order) <= DEGREE
        and all(one < count for one, count in zip(order, shape, strict=True))
    ]


def _terms(
    orders: list[tuple[int, ...]], places: list[np.ndarray], derivative: tuple[int, ...] = (0, 0, 0)
) -> np.ndarray:
    """The terms, or their derivatives, in the blocks: float32 (terms, K, J, I)."""
    k, j, i = (_legendre(*each) for each in zip(places, derivative, strict=True))
    rows = np.transpose(orders)
    return np.einsum("tk,tj,ti->tkji", k[rows[0]], j[rows[1]], i[rows[2]]).astype(np.float32)


def _fitted(
    orders: list[tuple[int, ...]],
    places: list[np.ndarray],
    logarithm: np.ndarray,
    inside: np.ndarray,
) -> np.ndarray | None:
    """The terms' coefficients, float64; None where no two blocks of the body are neighbours."""
    terms = _terms(orders, places)
    steps, differences = [], []
    for axis in range(3):
        both = np.logical_and(*_pair(inside, axis))
        before, after = _pair(terms, axis + 1)
        steps.append((after - before)[:, both])
        before, after = _pair(logarithm, axis)
        differences.append((after - before)[both])
    step, difference = np.concatenate(steps, axis=1), np.concatenate(differences)
    if difference.size <= len(orders):
        return None
    stiff = _bending(orders, places) * (STIFFNESS * difference.size)
    weights = np.ones_like(difference)
    for _ in range(ROUNDS):
        weighted = step * weights
        normal = _products(weighted, step) + stiff
        solution = np.linalg.solve(normal, np.einsum("tb,b->t", weighted, difference))
        residual = difference - np.einsum("t,tb->b", solution.astype(np.float32), step)
        scale = max(float(np.median(np.abs(residual))), 1e-6)
        weights = 1 / (1 + (residual / np.float32(scale)) ** 2)
    return np.asarray(solution, dtype=np.float64)


def _pair(array: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """The blocks that have a neighbour after them along an axis, and these neighbours."""
    first = np.moveaxis(array, axis, 0)
    return np.moveaxis(first[:-1], 0, axis), np.moveaxis(first[1:], 0, axis)


def _bending(orders: list[tuple[int, ...]], places: list[np.ndarray]) -> np.ndarray:
    """The mean bending energy of the whole grid as a form of the coefficients, float64."""
    energy = 1e-3 * np.eye(len(orders))  # linear terms have none and stay small by this
    for derivative in DERIVATIVES:
        bent = _terms(orders, places, derivative).reshape(len(orders), -1).astype(np.float64)
        energy += (2 if max(derivative) == 1 else 1) * _products(bent, bent) / bent.shape[1]
    return energy


def _products(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """first @ second.T of two (terms, n), piece by piece: (terms, terms).

    The pieces are too small for the threads of a linear algebra library: on a busy computer those
    wait for each other, and the sum would depend on their number.
    """
    spare = -first.shape[1] % PIECE
    one, two = (
        np.pad(each, ((0, 0), (0, spare))).reshape(len(each), -1, PIECE).transpose(1, 0, 2)
        for each in (first, second)
    )
    return np.matmul(np.ascontiguousarray(one), two.transpose(0, 2, 1)).sum(axis=0)
