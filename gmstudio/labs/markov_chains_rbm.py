r"""A restricted Boltzmann machine of 10 visible and 8 hidden units, enumerated exactly beside its Gibbs chain.

    p(x) = exp(-F(x)) / Z,   Z = Σ_x exp(-F(x)) = Σ_{x, h} exp(-E(x, h))          2^10 images, 2^18 joint states

One step draws h from p(h | x) and x from p(x | h), so that P = p(h | x) p(x' | h), in detailed balance with p(x).
At inverse temperature β all weights and biases are multiplied by β: the larger it is, the slower the chain.

Source: Hinton 2002, Training Products of Experts; MacKay 2003, chapter 43. Shapes: V 1024 images, J 256 hidden states,
M chains. Number of an image: its pixels as bits, the first one the highest.
"""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gmstudio.data.dataset import Dataset, Split
from gmstudio.families.energy.rbm import RBM
from gmstudio.labs.base import LabBench, Numbers
from gmstudio.labs.information import total_variation
from gmstudio.protocol.images import ImageSpec
from gmstudio.protocol.training_settings import Training

HEIGHT, WIDTH, NUM_HIDDEN, NUM_CHAINS = 2, 5, 8, 64
NUM_VISIBLE = HEIGHT * WIDTH
IMAGE = ImageSpec(channels=1, height=HEIGHT, width=WIDTH, levels=2)
MODEL = {"num_hidden": NUM_HIDDEN, "num_chains": NUM_CHAINS, "num_gibbs": 5}
TRAINING = Training(steps=1000, batch_size=64, learning_rate=3e-2)
BALANCED = 128
"""Images, the most probable ones, between which detailed balance is tested: all pairs of 1,024 would take too long."""
SPREAD = 1.2
"""Standard deviation of the weights before training."""


def bits(count: int) -> Numbers:
    """(2^count, count) all assignments, the last one changing fastest."""
    numbers = np.arange(2**count)
    return (numbers[:, None] >> np.arange(count - 1, -1, -1) & 1).astype(np.float64)


def bars_dataset(seed: int) -> Dataset:
    """Images in which each column is 1 or 0 as a whole: 32 of the 1024 images, equally frequent."""
    columns = bits(WIDTH).astype(np.uint8)
    images = np.repeat(columns[:, None, None, :], HEIGHT, axis=2)
    train = np.tile(images, (32, 1, 1, 1))[np.random.default_rng(seed).permutation(32 * len(images))]
    return Dataset("bars", {}, IMAGE, Split(train), Split(images), Split(images))


class Machine:
    """The machine, its enumeration and its chains.

    Args:
        bench: builds and trains the model.

    Attributes:
        trained: steps of training.
        states: (T, M) numbers of the chains' images, the start first.
    """

    def __init__(self, bench: LabBench) -> None:
        self._bench = bench
        self._dataset = bars_dataset(bench.seed)
        self._beta = 1.0
        self.trained = 0
        self._take(self._new_model(), SPREAD / 0.01)
        self.set_beta(1.0)

    def _new_model(self) -> RBM:
        model = self._bench.build("rbm", MODEL, self._dataset)
        assert isinstance(model, RBM)
        return model

    def _take(self, model: RBM, scale: float = 1.0) -> None:
        """Use a model's parameters, the weights multiplied, as those of β = 1, in double precision."""
        self.model = model.to(torch.float64).eval()
        machine = self.model.machine
        with torch.no_grad():
            machine.weight_VH.mul_(scale)
        self._base = [p.detach().clone() for p in machine.parameters()]

    def set_beta(self, beta: float) -> None:
        """Multiply all parameters of β = 1; the chains begin at their start."""
        self._beta = beta
        with torch.no_grad():
            for parameter, base in zip(self.model.machine.parameters(), self._base, strict=True):
                parameter.copy_(beta * base)
        self._enumerate()
        self.restart()

    def train(self) -> Iterator[int]:
        """Train a new model on the images of columns: yields the steps made, after each; the chains then begin anew."""
        model = self._new_model()
        for step in self._bench.train(model, self._dataset, TRAINING):
            yield step
            self.trained = step
        self._take(model)
        self.set_beta(self._beta)

    # ---- enumeration -----------------------------------------------------------------------------------------

    @torch.no_grad()
    def _enumerate(self) -> None:
        images = torch.from_numpy(bits(NUM_VISIBLE)).to(torch.uint8).view(-1, *IMAGE.shape).to(self._bench.device)
        negative = -self.model.free_energy(images).cpu().double()
        self.log_z = float(torch.logsumexp(negative, 0))
        self.p: Numbers = (negative - self.log_z).exp().numpy()
        self.hidden_given: Numbers = self._given_visible()
        self.visible_given: Numbers = self._given_hidden()
        self.log_z_hidden = self.model.machine.log_z_exact()

    def _weights(self) -> tuple[Numbers, Numbers, Numbers]:
        """Weights (10, 8), biases of the visible units (10,) and of the hidden ones (8,)."""
        machine = self.model.machine
        tensors = machine.weight_VH, machine.visible_bias.flatten(), machine.hidden_bias_H
        weight, visible, hidden = (tensor.detach().cpu().numpy() for tensor in tensors)
        return weight, visible, hidden

    def _given_visible(self) -> Numbers:
        """(V, J) p(h | x)."""
        weight, _, hidden = self._weights()
        drive = bits(NUM_VISIBLE) @ weight + hidden
        return _all_assignments(drive)

    def _given_hidden(self) -> Numbers:
        """(J, V) p(x | h)."""
        weight, visible, _ = self._weights()
        return _all_assignments(bits(NUM_HIDDEN) @ weight.T + visible)

    def log_z_joint(self) -> float:
        """Log Z as a sum over all 2^18 joint states."""
        weight, visible, hidden = self._weights()
        x, h = bits(NUM_VISIBLE), bits(NUM_HIDDEN)
        negative = (x @ visible)[:, None] + h @ hidden + x @ weight @ h.T
        return float(torch.logsumexp(torch.from_numpy(negative).flatten(), 0))

    def detailed_balance(self) -> float:
        """Largest |p(x) P(x, x') - p(x') P(x', x)| of the chain, over the pairs of the most probable images."""
        probable = np.argsort(self.p)[-BALANCED:]
        flow = (self.p[probable, None] * self.hidden_given[probable]) @ self.visible_given[:, probable]
        return float(np.abs(flow - flow.T).max())

    def distances(self, steps: int) -> Numbers:
        """(steps + 1,) total variation between p and the distribution after 0, 1, … steps from the image of zeros."""
        now = np.zeros(len(self.p))
        now[0] = 1.0
        found = [total_variation(now, self.p)]
        for _ in range(steps):
            now = now @ self.hidden_given @ self.visible_given
            found.append(total_variation(now, self.p))
        return np.array(found)

    # ---- chains ----------------------------------------------------------------------------------------------

    def restart(self) -> None:
        """Begin all chains at the image of zeros, with noise from the seed."""
        start = torch.zeros(NUM_CHAINS, *IMAGE.shape, dtype=torch.uint8, device=self._bench.device)
        self._chain = self.model.chain(start, self._bench.generator(7))
        self.images = start
        self.states = [_numbers(start)]

    def run(self, steps: int) -> None:
        """Make steps of all chains."""
        with torch.no_grad():
            for _ in range(steps):
                self.images = next(self._chain)
                self.states.append(_numbers(self.images))

    def shares(self) -> Numbers:
        """(V,) shares of the images among all states of the chains, without the start unless it is the only one."""
        visited = np.concatenate(self.states[1:] or self.states)
        return np.bincount(visited, minlength=2**NUM_VISIBLE) / len(visited)

    def distances_of_states(self, sizes: NDArray[np.int64]) -> Numbers:
        """Total variation between p and the states of the first steps of all chains, for rising numbers of steps."""
        counts, found, begun = np.zeros(2**NUM_VISIBLE), [], 1
        for size in sizes.tolist():
            counts += np.bincount(np.concatenate(self.states[begun : size + 1]), minlength=len(counts))
            found.append(total_variation(counts / counts.sum(), self.p))
            begun = size + 1
        return np.array(found)


def _numbers(images: Tensor) -> NDArray[np.int64]:
    powers = 2 ** torch.arange(NUM_VISIBLE - 1, -1, -1, device=images.device)
    return np.asarray((images.flatten(1).long() * powers).sum(1).cpu(), np.int64)


def _all_assignments(logits: Numbers) -> Numbers:
    """(N, 2^K) probabilities of all assignments of K independent units, from the (N, K) logits of being 1."""
    one = torch.sigmoid(torch.from_numpy(logits)).numpy()
    zero = torch.sigmoid(torch.from_numpy(-logits)).numpy()
    found = np.ones((len(logits), 1))
    for unit in reversed(range(logits.shape[1])):  # from the last, so that the inner axis is long
        pair = np.stack([zero[:, unit], one[:, unit]], axis=1)
        found = (pair[:, :, None] * found[:, None, :]).reshape(len(logits), -1)
    return found
