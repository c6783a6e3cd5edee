"""A model as one readable PyTorch file, composed of the parts of our own sources that it runs through."""
