"""How the three exercises on networks are run, and what they are trained on."""
