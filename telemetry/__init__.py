"""Ground floor: samples become an RTT matrix. Knows names and microseconds, nothing of pods."""
