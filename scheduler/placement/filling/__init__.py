"""Filling: a class is placed in rounds, each on the cheapest nodes that take it."""
