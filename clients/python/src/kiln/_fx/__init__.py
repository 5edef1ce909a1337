"""From FX graphs to the wire form."""
