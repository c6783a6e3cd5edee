"""The benchmarks' commands, by what they measure."""
