"""Files of arrays and tables as raw sets, one module a format; ``choosing`` finds the one that reads a file."""
