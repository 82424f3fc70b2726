"""The status page, its JSON views and its stream of changes."""
