"""How an answer is run: what also stands beside student code, without references."""
