"""Correcting an entry: what can be changed of each type, and making an entry void. The old version stays."""
