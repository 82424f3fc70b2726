"""The scheduler's side of the node agents: takes their reports, gives them orders.

`endpoint` serves, `admission` tells whose a token is, `parsing` reads a report, `sessions` tells a
new one from a repeated one, `desk` holds the orders, `ingest` joins them.
"""
