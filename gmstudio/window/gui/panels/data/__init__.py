"""Data panel: data sets to page through and measure, and the import of files."""
