"""The only door to the Kubernetes API: everything that imports the client lives here."""
