"""Speaking to registries: how a daemon, or a mirror, finds one, proves who it is, and reads its answers.

It lies between daemon and registry, which know nothing of each other."""
