"""Energy-based models and learned Markov chains."""
