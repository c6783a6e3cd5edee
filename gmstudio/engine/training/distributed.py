"""Processes that train one model together, started by ``torchrun``: ranks of a process group.

Every rank has model, optimizers and random numbers in the same state and computes its share of each batch; torch's
``DistributedDataParallel`` averages the gradients. Rank 0 alone has the run: it writes, validates and reports, and
begins every step. Before each step all ranks agree, by a small message on the CPU, whether there is another one, so
that any of them can end the training (a signal on its machine), and rank 0 can take its time with a checkpoint.

Nothing is unpickled: states travel as safetensors, the rest as JSON or text.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import safetensors.numpy
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from gmstudio.engine.runtime.device import choose_device
from gmstudio.engine.training.step_output import TrainingFailedError

PATIENCE = timedelta(days=1)
"""Longest time that ranks wait for rank 0, which validates and samples meanwhile."""
SENTENCE_BYTES = 2000
LOST = ("Connection closed by peer", "Connection reset", "Broken pipe", "Timed out waiting", "Socket Timeout")
"""Parts of gloo's error messages where a process of the group has ended."""


class Ranks:
    """Process group of this process.

    Args:
        device: device of this process.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        on_gpu = device.type == "cuda"
        if on_gpu:
            torch.cuda.set_device(device)
        dist.init_process_group("nccl" if on_gpu else "gloo", timeout=None if on_gpu else PATIENCE)
        self._words = dist.new_group(backend="gloo", timeout=PATIENCE)
        self.rank, self.size = dist.get_rank(), dist.get_world_size()
        self.over = False
        """No step follows; all ranks have agreed on that."""
        self.end_wanted = False
        """This process has got a signal to end."""
        self.begun = False
        """The others know what they train, or that there is nothing to train."""

    @classmethod
    def of_environment(cls, device: str) -> "Ranks | None":
        """Join the process group that ``torchrun`` describes in the environment; None where there is no other process.

        Args:
            device: name of the device; on CUDA, each process of a machine has one of its own.

        Raises:
            ValueError: when there are fewer devices than processes on this machine.
        """
        if int(os.environ.get("WORLD_SIZE", "1")) < 2 or "RANK" not in os.environ:
            return None
        found = choose_device(device)
        if found.type == "cuda":
            number, count = int(os.environ.get("LOCAL_RANK", "0")), torch.cuda.device_count()
            if device not in ("auto", "cuda"):
                raise ValueError(f"Each process has a device of its own. Leave out --device {device}.")
            if number >= count:
                raise ValueError(
                    f"There are {count} CUDA devices here for process {number + 1}. Start at most "
                    f"--nproc-per-node={count}, or train on the CPU with --device cpu."
                )
            found = torch.device("cuda", number)
        elif found.type != "cpu":
            raise ValueError(f"Several processes do not train on {found.type} together. Choose --device cpu.")
        return cls(found)

    # ---- before the first step -----------------------------------------------------------------------------

    def begin(self, record: bytes, step: int, state: Mapping[str, Mapping[str, NDArray[Any]]]) -> None:
        """As rank 0, send all others what they train; wait until they are ready.

        Args:
            record: of the run, as JSON.
            step: steps made before.
            state: from which training continues, see ``checkpoint_writer.resumable``.

        Raises:
            ValueError: when another rank cannot train; names its reason.
        """
        self.begun = True
        flat = {f"{group}:{name}": array for group, arrays in state.items() for name, array in arrays.items()}
        self._send(str(step).encode())
        self._send(record)
        self._send(safetensors.numpy.save(flat))
        self.report("")

    def receive_begin(self) -> tuple[bytes, int, dict[str, dict[str, NDArray[Any]]]] | None:
        """As another rank, receive what ``begin`` sends; None: rank 0 could not start, and has said why."""
        step = self._receive()
        if not step:
            return None
        record = self._receive()
        state: dict[str, dict[str, NDArray[Any]]] = {}
        for key, array in safetensors.numpy.load(self._receive()).items():
            group, _, name = key.partition(":")
            state.setdefault(group, {})[name] = array
        return record, int(step), state

    def report(self, problem: str) -> None:
        """Tell all ranks a reason why this one cannot train; empty: it can.

        Raises:
            ValueError: when one of them cannot.
        """
        own = torch.zeros(SENTENCE_BYTES, dtype=torch.uint8)
        text = problem.encode()[:SENTENCE_BYTES]
        own[: len(text)] = torch.frombuffer(bytearray(text), dtype=torch.uint8) if text else own[:0]
        all_texts = [torch.zeros_like(own) for _ in range(self.size)]
        dist.all_gather(all_texts, own, group=self._words)
        for rank, found in enumerate(all_texts):
            words = bytes(found.tolist()).rstrip(b"\0").decode(errors="replace")
            if words:
                self.over = True
                raise ValueError(f"Process {rank} of {self.size} cannot train. {words}")

    # ---- steps ---------------------------------------------------------------------------------------------

    def another_step(self) -> bool:
        """Agree on another step; False from the moment that any rank wants to end."""
        if not self.over:
            flag = torch.tensor(int(self.end_wanted))
            dist.all_reduce(flag, dist.ReduceOp.MAX, group=self._words)
            self.over = bool(flag)
        return not self.over

    def share(self, count: int) -> tuple[int, int]:
        """First row, and the one after the last, of this process in a batch of ``count``."""
        return count * self.rank // self.size, count * (self.rank + 1) // self.size

    def refuse_small(self, images: int) -> None:
        """Check that every process has an image of a batch.

        Raises:
            ValueError: when there are fewer images than processes.
        """
        if images < self.size:
            raise ValueError(
                f"A batch of {images} images is less than one for each of {self.size} processes. Enter a larger "
                f"batch_size, or start at most --nproc-per-node={images}."
            )

    def sentence(self, images: int) -> str:
        """Sentence on the shares of a batch."""
        fewest, rest = divmod(images, self.size)
        each = f"{fewest} each" if not rest else f"{fewest} or {fewest + 1}, since they do not divide evenly"
        return f"{self.size} processes share the {images} images of an update: {each}."

    def parallel(self, loss: nn.Module, *, unused: bool) -> nn.Module:
        """Wrap a loss so that its gradients are averaged over the ranks."""
        ids = [self.device.index] if self.device.type == "cuda" else None
        return DistributedDataParallel(loss, device_ids=ids, find_unused_parameters=unused)

    def add_up(self, values: Sequence[Tensor]) -> None:
        """Replace floats by their sums over the ranks, in one exchange."""
        if not values:
            return
        flat = torch.cat([value.flatten().float() for value in values])
        dist.all_reduce(flat)
        for value, found in zip(values, flat.split([v.numel() for v in values]), strict=True):
            value.copy_(found.view_as(value))

    def copy_first(self, values: Sequence[Tensor]) -> None:
        """Replace floats by those of rank 0, in one exchange."""
        flat = torch.cat([value.flatten() for value in values])
        dist.broadcast(flat, 0)
        for value, found in zip(values, flat.split([v.numel() for v in values]), strict=True):
            value.copy_(found.view_as(value))

    def is_lost(self, error: BaseException) -> bool:
        """Return whether an error means that another process has ended."""
        if isinstance(error, dist.DistNetworkError | dist.DistBackendError):
            return True
        return isinstance(error, RuntimeError) and any(part in str(error) for part in LOST)

    @contextmanager
    def naming_loss(self, last_checkpoint: Callable[[], int]) -> Iterator[None]:
        """Context in which the end of another process is a sentence; the step is not made then.

        Args:
            last_checkpoint: waits for the checkpoint that is being written, and returns the step of the last one.

        Raises:
            TrainingFailedError: when another process has ended.
        """
        try:
            yield
        except RuntimeError as error:
            if not self.is_lost(error):
                raise
            self.over = True
            last, kept = last_checkpoint(), ""
            if last >= 0:
                kept = f" The checkpoint of step {last:,} is kept; any number of processes can resume it."
            raise TrainingFailedError(
                f"Another process of this training has ended; its messages give the reason.{kept}"
            ) from error

    def end(self) -> None:
        """As rank 0, end the training of all ranks; harmless when done twice, or where another one has ended."""
        if not self.begun:
            self.begun = self.over = True
            self._send(b"")
        elif not self.over:
            self.end_wanted = True
            try:
                self.another_step()
            except RuntimeError as error:
                if not self.is_lost(error):
                    raise
        self.over = True

    def leave(self) -> None:
        """Leave the process group."""
        if dist.is_initialized():
            dist.destroy_process_group()

    # ---- messages ------------------------------------------------------------------------------------------

    def _send(self, content: bytes) -> None:
        """Send bytes from rank 0 to all others."""
        dist.broadcast(torch.tensor(len(content)), 0, group=self._words)
        if content:
            dist.broadcast(torch.frombuffer(bytearray(content), dtype=torch.uint8), 0, group=self._words)

    def _receive(self) -> bytes:
        size = torch.tensor(0)
        dist.broadcast(size, 0, group=self._words)
        content = torch.empty(int(size), dtype=torch.uint8)
        if len(content):
            dist.broadcast(content, 0, group=self._words)
        return content.numpy().tobytes()
