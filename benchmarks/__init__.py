"""What things cost: one module a question, each printing figure, unit and machine. `make bench` runs all."""
