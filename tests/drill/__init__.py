"""The parts of tests/drill-partition. Python's standard library is all they need."""
