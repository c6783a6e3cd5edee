"""Catalog of families and library of runs."""
