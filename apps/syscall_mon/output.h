/* SPDX-License-Identifier: BSD-3-Clause */
/* Events as text, JSON lines or CSV, a million and more a second. */
#ifndef OUTPUT_H
#define OUTPUT_H

#include "syscall_mon.h"

/* What comes before the first event: CSV's header. */
void output_begin(void);

void output_event(const struct event *event);

#endif
