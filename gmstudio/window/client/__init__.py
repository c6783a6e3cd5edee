"""The engine's process, run by the window: start, monitoring, restart; requests, latest-wins, throttling."""
