/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of --summary, counted by the BPF programs or here from events. */
#ifndef SUMMARY_H
#define SUMMARY_H

#include "syscall_mon.h"

/* Adds an event. */
void summary_add(const struct event *event);

/* Adds what the per-CPU map behind map_fd holds. Returns 0 or a negative errno. */
int summary_read(int map_fd);

/* Prints every syscall that was called, most total time first. */
void summary_print(void);

#endif
