"""One file a subcommand: flags and settings in, real or simulated parts started."""
