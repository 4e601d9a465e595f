"""Real arm64 kernels in QEMU: they boot in about a second and run programs of the host."""
