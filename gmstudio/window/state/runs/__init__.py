"""Catalog and library of runs."""
