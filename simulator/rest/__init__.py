"""The REST door: a small Kubernetes API on loopback, from a process of its own.

It speaks JSON on its own and shares no code with the client that the scheduler reads it with: a
mistake made in both would stay hidden.
"""
