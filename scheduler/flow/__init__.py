"""Min-cost flow over parallel integer arrays; the only door to the solver library."""
