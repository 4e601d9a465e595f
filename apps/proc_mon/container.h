/* SPDX-License-Identifier: BSD-3-Clause */
/* Which container a process is in, by the path of its cgroup. */
#ifndef CONTAINER_H
#define CONTAINER_H

#include <stdbool.h>
#include <stddef.h>

#define SHORT_ID_LEN 12 /* of CONTAINER_ID_LEN digits: what people see and write */

/*
 * Gives where the container's ID (of LXC: its name) is in the path, and its length; NULL for a
 * process of the host.
 */
const char *container_find(const char *cgroup, size_t *len);

/* Whether it is as long as a container's ID or a shortened one, and of its digits. */
bool container_is_id(const char *text);

#endif
