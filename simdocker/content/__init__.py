"""OCI content: references, digests, manifests, configs, layers. Pure data, no clock."""
