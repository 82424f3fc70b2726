"""Kubernetes objects as they are written, read into the words of `scheduler.domain`. Pure."""
