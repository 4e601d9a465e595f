/* SPDX-License-Identifier: BSD-3-Clause */
/* Events as text, JSON lines or CSV. */
#ifndef OUTPUT_H
#define OUTPUT_H

#include "proc_mon.h"

/* Writes what precedes the first event: the header of CSV. */
void output_begin(void);

/* rule: as the user wrote it, or NULL. */
void output_event(const struct event *event, unsigned long long id, const char *rule);

#endif
