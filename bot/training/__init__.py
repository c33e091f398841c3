"""Training of the evidence model; never imported by the program that answers."""
