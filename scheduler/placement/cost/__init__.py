"""Cost models: one file a model, all in cost units (one unit = 1 µs of RTT), none negative."""
