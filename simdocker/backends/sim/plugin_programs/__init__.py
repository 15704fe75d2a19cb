"""Programs of plugins, by the name of their entry point."""
