"""The commands, one module each; `simdocker.actors.client.catalogue` finds them by their words."""
