"""Where RTTs come from: one file a source. Parsing is pure and apart from fetching."""
