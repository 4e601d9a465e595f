"""The kernel types that vmlinux.h is made from, one BTF per architecture, and their renewal."""
