"""Pods made from a seed, for experiments: what is wanted, what is drawn, what is written."""
