"""Which nodes a class may use: one file a family of rules, each an array over all nodes."""
