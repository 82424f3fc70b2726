"""Rules and wishes between pods: which pods a term means, and how many of them are where."""
