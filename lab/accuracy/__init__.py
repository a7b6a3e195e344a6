"""How often craftmark is right: whole captures with their truth, and small samples of them."""
