"""The engine's process as the window sees it: start, watch, restart; requests, latest-wins, throttling."""
