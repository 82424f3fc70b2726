"""From round-trip times to zones: groups of nodes near each other, layered and steadily named.

Zones guide search and are shown to people; they never prove a budget.
"""
