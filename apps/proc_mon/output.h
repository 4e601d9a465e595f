/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes events to stdout as text, JSON lines or CSV. */
#ifndef OUTPUT_H
#define OUTPUT_H

#include <stdbool.h>

#include "proc_mon.h"

enum format { FORMAT_TEXT, FORMAT_JSON, FORMAT_CSV };

/* What comes before the first event: CSV's header. */
void output_begin(enum format format);

/* Reads the clocks for the time stamps of the events that follow. */
void output_read_clocks(void);

/* Events wait in a buffer until it is full or flushed. Rule: what the user wrote, or NULL. */
void output_event(const struct event *event, unsigned long long id, const char *rule);

/* Writes the buffer. False once a write failed: what comes after is thrown away. */
bool output_flush(void);

/* Why a write failed, 0 if none did. */
int output_error(void);

#endif
