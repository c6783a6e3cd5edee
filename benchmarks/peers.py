"""Training speed beside public packages: the same kind of model at equal sizes, in turns, in one process.

Both sides get the same images, batches, threads, float32, allocator setting and, where the package leaves the optimizer
to its user, the same fused Adam. Parameters and FLOP of a step are counted on both sides; where they differ, the ratio
at equal arithmetic is the fair one.
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.arithmetic import flop_counter
from benchmarks.models import configured_model
from benchmarks.training import BareLoop, Loop, random_images, run_in_turns
from gmstudio.protocol.images import ImageSpec
from gmstudio.system.heap import keep_freed_memory

SIZE = 28
NUM_DIMS = SIZE * SIZE
ROUNDS = 6
RATE = 1e-4


@dataclass(frozen=True)
class Built:
    """A package's model, ready to train.

    Args:
        step: one parameter update on a batch, (B, 784) floats in [0, 1].
        num_parameters: number of trained values.
        flops: floating-point operations of a step; None: counted while one is made.
    """

    step: Callable[[Tensor], object]
    num_parameters: int
    flops: float | None = None


@dataclass(frozen=True)
class Peer:
    """A package's model, and ours of the same sizes.

    Args:
        package: name on the package index.
        family: ours, a key in ``FAMILIES``.
        settings: of our config; defaults where not named.
        build: makes the package's model for a batch size.
        matched: what is equal and what is not, in words.
    """

    package: str
    family: str
    settings: Mapping[str, Any]
    build: Callable[[int], Built]
    matched: str


def measure(name: str, batch: int, seconds: float) -> dict[str, Any]:
    """Train both models in turns, so that other load affects both alike.

    Returns:
        ``images_per_s`` and ``peer_images_per_s``, their ratio ``times_peer``, ``parameters`` and ``flops_per_step`` of
        both, ``times_peer_at_equal_flops``, and descriptions.

    Raises:
        ValueError: when there is no such peer, or its package is not installed.
    """
    if name not in PEERS:
        raise ValueError(f"--peer {name}: there is no such peer; choose from {', '.join(PEERS)}.")
    peer = PEERS[name]
    image = ImageSpec(channels=1, height=SIZE, width=SIZE, levels=2)
    dataset = random_images(image)
    keep_freed_memory()  # once, for both
    torch.manual_seed(0)
    try:
        built = peer.build(batch)
    except ModuleNotFoundError as error:
        raise ValueError(
            f"{name} needs {error.name}, which is not installed; install the extra: pip install 'gmstudio[peers]'."
        ) from None
    model = configured_model(peer.family, image, peer.settings)
    ours, theirs = BareLoop(model, dataset, batch), _PeerLoop(built, dataset.train.images, batch)
    run_in_turns(ours, theirs, seconds, ROUNDS)
    flops, peer_flops = _counted(ours), built.flops or _counted(theirs)
    return {
        "benchmark": "peers",
        "peer": name,
        "package": peer.package,
        "version": importlib.metadata.version(peer.package),
        "family": peer.family,
        "config": dict(peer.settings),
        "batch": batch,
        "images_per_s": ours.rate * batch,
        "peer_images_per_s": theirs.rate * batch,
        "times_peer": ours.rate / theirs.rate,
        "parameters": model.num_parameters(),
        "peer_parameters": built.num_parameters,
        "mflop_per_step": flops / 1e6,
        "peer_mflop_per_step": peer_flops / 1e6,
        "times_peer_at_equal_flops": ours.rate * flops / (theirs.rate * peer_flops),
        "matched": peer.matched,
        "threads": torch.get_num_threads(),
    }


class _PeerLoop(Loop):
    def __init__(self, built: Built, images: np.ndarray[Any, Any], batch: int) -> None:
        super().__init__()
        self._built, self._batch, self._position = built, batch, 0
        self._images = torch.from_numpy(images).flatten(1).float()

    def step(self) -> None:
        batch = self._images[self._position : self._position + self._batch]
        self._position = (self._position + self._batch) % (len(self._images) - self._batch + 1)
        self._built.step(batch)


def _counted(loop: Loop) -> float:
    """Floating-point operations of the matrix products of one step."""
    with flop_counter() as counter:
        loop.step()
    return float(counter.get_total_flops())


def _trained_by_adam(model: nn.Module, loss: Callable[[Tensor], Tensor]) -> Built:
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    adam = torch.optim.Adam(parameters, lr=RATE, fused=True)
    model.train()

    def step(batch: Tensor) -> None:
        adam.zero_grad()
        loss(batch).backward()
        adam.step()

    return Built(step, sum(parameter.numel() for parameter in parameters))


def _dequantized(batch: Tensor) -> Tensor:
    """Map {0, 1} to the real line as our flow does: uniform noise, then the logit (α = 0.05)."""
    unit = 0.05 + 0.9 * (batch + torch.rand_like(batch)) / 2
    return torch.logit(unit)


def _pythae_vae(_batch: int) -> Built:
    models: Any = importlib.import_module("pythae.models")
    config = models.VAEConfig(input_dim=(1, SIZE, SIZE), latent_dim=10, reconstruction_loss="bce")
    model = models.VAE(config)
    return _trained_by_adam(model, lambda x: model({"data": x.view(-1, 1, SIZE, SIZE)}).loss)


def _normflows_realnvp(_batch: int) -> Built:
    nf: Any = importlib.import_module("normflows")
    flows: list[nn.Module] = []
    for _ in range(8):
        network = nf.nets.MLP([NUM_DIMS // 2, 512, 512, NUM_DIMS], init_zeros=True)
        flows += [nf.flows.AffineCouplingBlock(network), nf.flows.Permute(NUM_DIMS, mode="swap")]
    model = nf.NormalizingFlow(nf.distributions.DiagGaussian(NUM_DIMS, trainable=False), flows)
    return _trained_by_adam(model, lambda x: model.forward_kld(_dequantized(x)))


def _nflows_realnvp(_batch: int) -> Built:
    flows: Any = importlib.import_module("nflows.flows")
    model = flows.SimpleRealNVP(NUM_DIMS, hidden_features=512, num_layers=8, num_blocks_per_layer=1)
    return _trained_by_adam(model, lambda x: -model.log_prob(_dequantized(x)).mean())


def _zuko_realnvp(_batch: int) -> Built:
    zuko: Any = importlib.import_module("zuko")
    model = zuko.flows.NICE(NUM_DIMS, transforms=8, hidden_features=(512, 512))
    return _trained_by_adam(model, lambda x: -model().log_prob(_dequantized(x)).mean())


def _zuko_made(_batch: int) -> Built:
    zuko: Any = importlib.import_module("zuko")
    earlier = torch.ones(NUM_DIMS, NUM_DIMS, dtype=torch.bool).tril(-1)
    model = zuko.nn.MaskedMLP(earlier, hidden_features=(500,))

    def loss(x: Tensor) -> Tensor:
        return functional.binary_cross_entropy_with_logits(model(x), x, reduction="sum") / len(x)

    return _trained_by_adam(model, loss)


def _sklearn_rbm(batch: int) -> Built:
    networks: Any = importlib.import_module("sklearn.neural_network")
    model = networks.BernoulliRBM(n_components=500, learning_rate=RATE, batch_size=batch, random_state=0)
    num_parameters = NUM_DIMS * 500 + NUM_DIMS + 500
    # Hidden probabilities of data and of chains, a Gibbs step back, and two outer products.
    return Built(lambda x: model.partial_fit(x.numpy()), num_parameters, 5 * 2.0 * NUM_DIMS * 500 * batch)


_FLOW = {"architecture": "mlp", "num_couplings": 8, "num_layers": 2, "num_hidden": 512}

PEERS: dict[str, Peer] = {
    "pythae_vae": Peer(
        "pythae",
        "vae",
        {"num_hidden": 512, "num_latent": 10},
        _pythae_vae,
        "Dense layers 784-512-10-512-784 and the loss are equal.",
    ),
    "sklearn_rbm": Peer(
        "scikit-learn",
        "rbm",
        {"num_hidden": 500, "negative_phase": "pcd", "num_gibbs": 1},
        _sklearn_rbm,
        "784×500 units and one Gibbs step of persistent chains are equal; it makes plain gradient steps, ours Adam's, "
        "with free energy, reconstruction and pseudo-likelihood of every step.",
    ),
    "normflows_realnvp": Peer(
        "normflows",
        "realnvp",
        _FLOW,
        _normflows_realnvp,
        "8 affine couplings, each with one network 392-512-512-784, and the logit are equal; it swaps halves, ours the "
        "colours of a checkerboard, with learned scales and shifts between the couplings.",
    ),
    "nflows_realnvp": Peer(
        "nflows",
        "realnvp",
        _FLOW,
        _nflows_realnvp,
        "8 affine couplings of networks of 512 units; its networks are residual, with one more layer of 512.",
    ),
    "zuko_realnvp": Peer(
        "zuko",
        "realnvp",
        _FLOW,
        _zuko_realnvp,
        "8 affine couplings of networks with two layers of 512 units are equal.",
    ),
    "zuko_made": Peer(
        "zuko",
        "made",
        {"num_hidden": 500, "num_layers": 1},
        _zuko_made,
        "784-500-784 units and the loss are equal; its masks join hidden units of equal context, ours spread them.",
    ),
}
"""Name → package's model and ours."""
