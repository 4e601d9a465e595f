/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes to stdout through a buffer: what an event is made of, as text, JSON or CSV. */
#ifndef WRITER_H
#define WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

enum format { FORMAT_TEXT, FORMAT_JSON, FORMAT_CSV };

extern char writer_buffer[64 << 10];
extern size_t writer_used;

/* Writes the buffer. False once a write failed: what comes after is thrown away. */
bool writer_flush(void);

/* Why a write failed, 0 if none did. */
int writer_error(void);

/* Reads the clocks for the time stamps of the events that follow. */
void writer_read_clocks(void);

/* Makes space for so many bytes, which those below do not look for. False as in writer_flush(). */
static inline bool writer_reserve(size_t len)
{
	return writer_used <= sizeof(writer_buffer) - len || writer_flush();
}

static inline void put(const char *text, size_t len)
{
	memcpy(writer_buffer + writer_used, text, len);
	writer_used += len;
}

static inline void put_char(char c)
{
	writer_buffer[writer_used++] = c;
}

static inline void put_string(const char *text)
{
	put(text, strlen(text));
}

static inline void put_unsigned(unsigned long long value)
{
	char digits[20];
	size_t i = sizeof(digits);

	do
		digits[--i] = '0' + value % 10;
	while (value /= 10);
	put(digits + i, sizeof(digits) - i);
}

static inline void put_signed(long long value)
{
	if (value < 0)
		put_char('-');
	put_unsigned(value < 0 ? -(unsigned long long)value : (unsigned long long)value);
}

/* The last n digits, zeros before them if there are fewer. */
static inline void put_digits(unsigned int value, unsigned int n)
{
	for (unsigned int i = n; i--; value /= 10)
		writer_buffer[writer_used + i] = '0' + value % 10;
	writer_used += n;
}

/* \xNN for all that could break the line, its fields or a terminal. */
void put_text_value(const char *text, size_t len);

/* \xNN as in text, but space and = are harmless; quoted as RFC 4180 has it where it must be. */
void put_csv_value(const char *text, size_t len);

/* A JSON string: UTF-8 as it is, U+FFFD for each byte that is not. */
void put_json_value(const char *text, size_t len);

/* A time of CLOCK_MONOTONIC, as 2025-01-31T23:59:59.123456789Z. */
void put_time(unsigned long long ns);

#endif
