"""Adam without torch's compiler.

The methods of torch's optimizers are wrapped for ``torch.compile``. The first call of any of them imports the compiler,
with SymPy and the distributed tensors: more than a second of processor time before the first update of a training,
which compiles nothing. Here the wrapped functions themselves are the methods.
"""

import inspect
from typing import Any

import torch


class PlainAdam(torch.optim.Adam):
    """Adam (Kingma & Ba 2015, arXiv:1412.6980), or AdamW with decoupled weight decay; arguments are torch's."""

    add_param_group: Any = inspect.unwrap(torch.optim.Optimizer.add_param_group)
    zero_grad: Any = inspect.unwrap(torch.optim.Optimizer.zero_grad)
    state_dict: Any = inspect.unwrap(torch.optim.Optimizer.state_dict)
    load_state_dict: Any = inspect.unwrap(torch.optim.Optimizer.load_state_dict)
    step: Any = torch.no_grad()(inspect.unwrap(torch.optim.Adam.step))
