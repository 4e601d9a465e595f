/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of --summary: counted by the BPF programs, or here from events. */
#ifndef SUMMARY_H
#define SUMMARY_H

#include "syscall_mon.h"
#include "writer.h"

/* Counts an event in. */
void summary_add(const struct event *event);

/* Counts in what the per-CPU map of that file descriptor holds. 0 or a negative errno. */
int summary_read(int map_fd);

/* Writes all that was called, the most time first. 0 or a negative errno. */
int summary_print(enum format format);

#endif
