/* SPDX-License-Identifier: BSD-3-Clause */
/* Buffered output to stdout: the parts of an event as text, JSON or CSV. */
#ifndef WRITER_H
#define WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

enum writer_format { WRITER_TEXT, WRITER_JSON, WRITER_CSV };

extern char writer_buffer[64 << 10];
extern size_t writer_used;

/* Writes out the buffer. Returns false once a write has failed; later output is discarded. */
bool writer_flush(void);

/* Returns the errno of the write that failed, or 0. */
int writer_error(void);

/* Reads the clocks, for the time stamps of the events that follow. */
void writer_read_clocks(void);

/* Makes room for len bytes, which the functions below do not check. Returns as writer_flush(). */
static inline bool writer_reserve(size_t len)
{
	return writer_used <= sizeof(writer_buffer) - len || writer_flush();
}

static inline void writer_put(const char *text, size_t len)
{
	memcpy(writer_buffer + writer_used, text, len);
	writer_used += len;
}

static inline void writer_put_char(char c)
{
	writer_buffer[writer_used++] = c;
}

static inline void writer_put_string(const char *text)
{
	writer_put(text, strlen(text));
}

static inline void writer_put_unsigned(unsigned long long value)
{
	char digits[20];
	size_t i = sizeof(digits);

	do
		digits[--i] = '0' + value % 10;
	while (value /= 10);
	writer_put(digits + i, sizeof(digits) - i);
}

static inline void writer_put_signed(long long value)
{
	if (value < 0)
		writer_put_char('-');
	writer_put_unsigned(value < 0 ? -(unsigned long long)value : (unsigned long long)value);
}

/* Writes the last n digits, with leading zeros. */
static inline void writer_put_digits(unsigned int value, unsigned int n)
{
	for (unsigned int i = n; i--; value /= 10)
		writer_buffer[writer_used + i] = '0' + value % 10;
	writer_used += n;
}

/* Writes a text value: \xNN for bytes that could break the line, its fields or a terminal. */
void writer_put_text(const char *text, size_t len);

/* Writes a CSV field: \xNN as in text, except for space and =; quoted if RFC 4180 requires it. */
void writer_put_csv(const char *text, size_t len);

/* Writes a JSON string: valid UTF-8 as it is, U+FFFD for every other byte. */
void writer_put_json(const char *text, size_t len);

/* Writes a time of CLOCK_MONOTONIC as 2025-01-31T23:59:59.123456789Z. */
void writer_put_time(unsigned long long ns);

#endif
