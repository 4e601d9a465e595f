/* SPDX-License-Identifier: BSD-3-Clause */
/* Tells the BPF programs of the processes that were there before them. */
#ifndef PROCESSES_H
#define PROCESSES_H

/*
 * Gives the map of processes all of /proc, with their paths, and counts those for which there is no
 * space. Gives 0 or a negative errno.
 */
int processes_load(int map_fd, unsigned long long *lost);

#endif
