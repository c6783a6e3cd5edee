"""Makers of what comes with the program: data sets (``resources/data``) and ready models (``resources/examples``)."""
