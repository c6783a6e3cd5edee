"""What gmstudio costs, measured: ``python -m benchmarks NAME`` prints one JSON object as its last line."""
