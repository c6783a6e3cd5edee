"""The end of a model's file: loading of the weights, and what it does when it is run."""

import textwrap

from gmstudio.protocol.images import ImageSpec

IMPORTS = ("import sys", "from pathlib import Path", "import torch", "from safetensors.torch import load_file")
_SCORES = {
    "log_prob": ("model.log_prob(x)", "-log p(x)", -1),
    "elbo": ("model.elbo(x, 16, noise())", "-ELBO, 16 draws an image", -1),
    "free_energy": ("model.free_energy(x)", "free energy", 1),
    "loss": ('model.loss(x, noise())["loss"]', "loss", 1),
}


def program_of(name: str, entries: tuple[str, ...], image: ImageSpec) -> str:
    """Write the functions after the model's class.

    Args:
        name: of the class.
        entries: methods that it has.
        image: specification of the images.
    """
    shape = f"(B, {image.channels}, {image.height}, {image.width})"
    heading = "# ---- the trained model ".ljust(120, "-")
    return f'''{heading}


WEIGHTS = Path(__file__).with_suffix(".safetensors")


def load(path: Path = WEIGHTS) -> {name}:
    """Build the model and read its weights: names and arrays, nothing else."""
    model = {name}()
    arrays = load_file(path)
    model.load_state_dict({{name: arrays[name] for name in model.state_dict()}})
    return model.eval()


def noise(seed: int = 0) -> torch.Generator:
    """Source of random numbers that a seed repeats."""
    return torch.Generator().manual_seed(seed)


if __name__ == "__main__":
    # python model.py FILE.safetensors scores its tensor "images": {shape}, integers 0 to {image.levels - 1}.
    model = load()
{textwrap.indent(_main(entries, image), "    ")}
'''


def _main(entries: tuple[str, ...], image: ImageSpec) -> str:
    lines = ["with torch.no_grad():"]
    if "sample" in entries:
        source = 'load_file(sys.argv[1])["images"] if len(sys.argv) > 1 else model.sample(16, noise())'
    else:
        size = f"(16, {image.channels}, {image.height}, {image.width})"
        source = (
            f'load_file(sys.argv[1])["images"] if len(sys.argv) > 1 else '
            f"torch.randint({image.levels}, {size}, generator=noise())"
        )
    lines.append(f"    x = {source}")
    for entry in entries:
        if entry in _SCORES:
            call, words, sign = _SCORES[entry]
            minus = "-" if sign < 0 else ""
            lines.append(f"    nats = {minus}{call}.mean().item()")
            per_dim = f", {{nats / {image.num_dims * 0.6931471805599453:.6g}:.4f}} bits/dim" if sign < 0 else ""
            lines.append(f'    print(f"{{len(x)}} images: {words} = {{nats:.4f}} nats an image{per_dim}")')
    if not set(entries) & set(_SCORES) and "encode" in entries:
        lines.append(f"    error = (model.decode(model.encode(x)) - x / {image.levels - 1}).square().flatten(1).sum(1)")
        lines.append('    print(f"{len(x)} images: squared error of the reconstruction = {error.mean().item():.4f}")')
    elif not set(entries) & set(_SCORES):
        lines.append(
            '    print(f"{len(x)} images of shape {tuple(x.shape[1:])}, mean level {x.float().mean().item():.4f}")'
        )
    return "\n".join(lines)
