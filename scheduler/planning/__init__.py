"""The core's one front door: plan(snapshot, settings) -> Plan, checked before it leaves."""
