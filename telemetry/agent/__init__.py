"""The node agent: measures round trips and reports them. The standard library alone."""
