"""BTF hubs: the BTFs of kernels that have none in them, found, checked and minimized for an app."""
