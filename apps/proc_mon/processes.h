/* SPDX-License-Identifier: BSD-3-Clause */
/* Adds the processes that started before the BPF programs. */
#ifndef PROCESSES_H
#define PROCESSES_H

/*
 * Adds all processes in /proc, with their paths, to the map, and counts those that do not fit.
 * Returns 0 or a negative errno.
 */
int processes_load(int map_fd, unsigned long long *lost);

#endif
