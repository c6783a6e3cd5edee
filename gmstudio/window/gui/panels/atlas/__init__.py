"""The Atlas: the taxonomy of generative models as a tree, a page for each node, and demonstrations."""
