"""The structure that goes with success in traces of the same type, as guidance in phases."""
