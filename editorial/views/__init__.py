"""The desk's pages, a file per noun. Each view loads, does and shows; rules live below."""
