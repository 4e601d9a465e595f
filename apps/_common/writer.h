/* SPDX-License-Identifier: BSD-3-Clause */
/* Buffered output to stdout: lines of fields as text, JSON or CSV. */
#ifndef WRITER_H
#define WRITER_H

#include <stdbool.h>
#include <stddef.h>

/* NAME=VALUE with spaces between, an object per line, or values with commas between. */
extern enum writer_format { WRITER_TEXT, WRITER_JSON, WRITER_CSV } writer_format;

/* Writes out the buffer. Returns false once a write has failed; later output is discarded. */
bool writer_flush(void);

/* Returns the errno of the write that failed, or 0. */
int writer_error(void);

/* Reads the clocks, for the time stamps of the events that follow. */
void writer_read_clocks(void);

/* Writes what printf() would, at most 255 bytes. */
__attribute__((format(printf, 1, 2))) void writer_printf(const char *format, ...);

/* Writes the line that names the fields of CSV. */
void writer_header(const char *names);

/*
 * Begins a line of at most longest bytes, in any format, which the functions below do not check.
 * Returns false once a write has failed.
 */
bool writer_begin_line(size_t longest);
void writer_end_line(void);

/* Each of these writes a field. */
void writer_unsigned(const char *name, unsigned long long value);
void writer_signed(const char *name, long long value);

/* A text that needs no escape in any format. */
void writer_word(const char *name, const char *word);

/*
 * Any bytes. Text has \xNN for those that could break the line, its fields or a terminal. So has
 * CSV, except for space and =; it is quoted if RFC 4180 requires it. JSON has valid UTF-8 as it is
 * and U+FFFD for every other byte.
 */
void writer_bytes(const char *name, const char *value, size_t len);

/* A time of CLOCK_MONOTONIC as 2025-01-31T23:59:59.123456789Z. */
void writer_time(const char *name, unsigned long long ns);

/* No value: null in JSON, empty in CSV, not shown in text. */
void writer_nothing(const char *name);

/* For other values: writes a field's name with its separators; and bytes escaped as in text. */
void writer_name(const char *name);
void writer_escaped(const char *text, size_t len);

#endif
