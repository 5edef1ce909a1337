"""Everything between this process and a Kiln server. Imports no PyTorch."""
