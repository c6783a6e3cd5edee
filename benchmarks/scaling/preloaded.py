"""Loads on import what every training loads, for the process from which those that measure memory are forked.

An update of a tiny layer does so, on one thread and without a backward pass, since threads do not survive a fork.
"""

import torch

torch.set_num_threads(1)
layer = torch.nn.Linear(8, 8)
for parameter in layer.parameters():
    parameter.grad = torch.zeros_like(parameter)
torch.optim.Adam(layer.parameters(), fused=True).step()
