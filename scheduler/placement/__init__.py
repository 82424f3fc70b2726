"""The decision: which node each pending pod goes to, and why the others wait."""
