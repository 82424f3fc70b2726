"""Packing: a stage as a flow, and as an integer program where rooms contend. Knows no pods."""
