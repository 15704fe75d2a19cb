"""The trace in the forms of other tools. Each module writes one; none knows another."""
