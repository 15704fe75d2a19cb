"""The real machine: namespaces, overlayfs, cgroups and veth pairs, by the kernel's own calls."""
