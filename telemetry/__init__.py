"""Ground floor: samples become an RTT matrix. Knows node names and microseconds, nothing of pods."""
