"""Real registries: the Distribution API over HTTP(S), behind the seam at which the simulated registries stand."""

from simdocker.backends.distribution.remote import RemoteRegistry

__all__ = ["RemoteRegistry"]
