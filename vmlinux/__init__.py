"""The kernel types that vmlinux.h is generated from, one BTF per architecture."""
