"""From the bytes of a submission to its result: a pure function."""
