"""The computer: display, Qt's system libraries, resource files."""
