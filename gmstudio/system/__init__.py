"""The machine: display, Qt's system libraries, resource files."""
