"""`python -m benches`, which is what `make bench` runs."""

from benches.run import main

main()
