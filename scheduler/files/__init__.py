"""Manifests, node lists and matrices on disk. No Kubernetes client."""
