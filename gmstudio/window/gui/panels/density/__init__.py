"""Density panel."""
