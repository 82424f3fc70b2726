"""Time and state: settings, cache, queue and the loops that run the core."""
