"""Volumes: where claims, disks and drivers let a pod run."""
