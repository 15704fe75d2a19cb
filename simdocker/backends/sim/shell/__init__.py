"""The simulated shell: busybox ash, and bash for the lines of a client's own host."""
