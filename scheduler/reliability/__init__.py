"""What has come apart since it was decided: broken budgets, nodes believed dead."""
