"""Which Isochrone this is; ``pyproject.toml`` has the same, and a test holds the two equal."""

VERSION = "0.1.0"
