"""The engine: a process with torch and without Qt that trains, explores and scores models."""
