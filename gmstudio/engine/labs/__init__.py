"""The laboratories in the engine: opened ones, their settings, inputs and actions."""
