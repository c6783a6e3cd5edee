"""Pages of data-set images."""
