/* SPDX-License-Identifier: BSD-3-Clause */
/* Finds the container of a process from its cgroup path. */
#ifndef CONTAINER_H
#define CONTAINER_H

#include <stdbool.h>
#include <stddef.h>

#define SHORT_ID_LEN 12 /* the digits of CONTAINER_ID_LEN that people see and write */

/*
 * Returns the container's ID, or its name for LXC and systemd-nspawn, within the path, and stores
 * its length. Returns NULL for a process of the host.
 */
const char *container_find(const char *cgroup, size_t *len);

/* Returns whether the text is a container's ID, in full or shortened to at least SHORT_ID_LEN. */
bool container_is_id(const char *text);

#endif
