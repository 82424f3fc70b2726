"""Words: frozen types for nodes, pods, delays, snapshots and plans. No I/O, no clock, no chance."""
