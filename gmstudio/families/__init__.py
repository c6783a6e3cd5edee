"""The zoo: name → family class, in taxonomy order."""
