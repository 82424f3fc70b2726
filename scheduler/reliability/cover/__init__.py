"""Cover: a backup place for each pod with a budget, in reserves that failures share."""
