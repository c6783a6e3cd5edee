"""Step-by-step sampling shared by autoregressive families: blocks of steps, recorded graphs, tensor operations."""
