"""Where student code runs: the host's side."""
