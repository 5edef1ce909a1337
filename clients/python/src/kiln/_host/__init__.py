"""Loads, guards and runs artifacts; asks the server when no variant fits."""
