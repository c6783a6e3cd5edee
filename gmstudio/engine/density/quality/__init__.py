"""Quality of samples: distances, supports, classes and memorization, in a feature space that is part of their names."""
