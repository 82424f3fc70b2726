"""Pod groups: all or nothing."""
