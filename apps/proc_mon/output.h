/* SPDX-License-Identifier: BSD-3-Clause */
/* Events as text, JSON lines or CSV. */
#ifndef OUTPUT_H
#define OUTPUT_H

#include "proc_mon.h"

/* What comes before the first event: CSV's header. */
void output_begin(void);

/* Rule: what the user wrote, or NULL. */
void output_event(const struct event *event, unsigned long long id, const char *rule);

#endif
