"""The embedded cluster of dev mode: a pure state machine, its network, and the doors to both."""
