"""People's own images: files of many kinds read into sets of images."""
