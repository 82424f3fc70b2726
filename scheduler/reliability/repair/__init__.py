"""Moving pods that run: those whose budgets are broken, and those that may go home."""
