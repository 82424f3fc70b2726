"""Failover: pods of nodes that are believed dead go to the places reserved for them."""
