"""How docker shows things: tables, human sizes and durations, short ids, templates over objects."""
