"""What claims about speed rest on: `make bench`. Nothing here fails for being slow."""
