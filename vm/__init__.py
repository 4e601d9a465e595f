"""Real arm64 kernels in QEMU: kernels from the distribution, a tiny initramfs, a machine that runs commands."""
