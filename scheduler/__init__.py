"""The scheduler: floors that look down only; see ARCHITECTURE.md."""
