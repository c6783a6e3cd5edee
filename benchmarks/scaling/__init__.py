"""Growth of cost: time and memory along one axis at a time, and the exponents beside those of the arithmetic."""
