// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "writer.h"

#define NS_PER_S 1000000000ULL

enum writer_format writer_format;
static char buffer[64 << 10];
static size_t used;
static bool first_field;
static int error;
static unsigned long long boot_ns; /* CLOCK_REALTIME at the time CLOCK_MONOTONIC was 0 */

bool writer_flush(void)
{
	size_t done = 0;

	while (done < used && !error) {
		ssize_t n = write(STDOUT_FILENO, buffer + done, used - done);

		if (n >= 0)
			done += n;
		else if (errno == EAGAIN) /* another user of the file made it non-blocking */
			poll(&(struct pollfd){ STDOUT_FILENO, POLLOUT, 0 }, 1, -1);
		else if (errno != EINTR)
			error = errno;
	}
	used = 0;
	return !error;
}

int writer_error(void)
{
	return error;
}

void writer_read_clocks(void)
{
	struct timespec real, mono;

	clock_gettime(CLOCK_REALTIME, &real);
	clock_gettime(CLOCK_MONOTONIC, &mono);
	boot_ns = (real.tv_sec - mono.tv_sec) * NS_PER_S + real.tv_nsec - mono.tv_nsec;
}

static void put(const char *text, size_t len)
{
	memcpy(buffer + used, text, len);
	used += len;
}

static void put_char(char c)
{
	buffer[used++] = c;
}

static void put_string(const char *text)
{
	put(text, strlen(text));
}

/* Encloses a text that needs no escape. */
static void put_quote(void)
{
	if (writer_format == WRITER_JSON)
		put_char('"');
}

static void put_hex(unsigned char byte)
{
	put_char("0123456789abcdef"[byte >> 4]);
	put_char("0123456789abcdef"[byte & 15]);
}

static bool printable(unsigned char c)
{
	return c > ' ' && c < 0x7f && c != '\\';
}

/* Writes a byte as it is, or else as \xNN. */
static void put_byte(char c, bool as_it_is)
{
	if (as_it_is) {
		put_char(c);
		return;
	}
	put_string("\\x");
	put_hex(c);
}

void writer_escaped(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		put_byte(text[i], printable(text[i]) && text[i] != '=' && text[i] != '"');
}

static void put_csv(const char *text, size_t len)
{
	bool quoted = memchr(text, ',', len) || memchr(text, '"', len);

	if (quoted)
		put_char('"');
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '"')
			put_char('"');
		put_byte(text[i], printable(text[i]) || text[i] == ' ');
	}
	if (quoted)
		put_char('"');
}

/* Returns the length of the UTF-8 sequence (RFC 3629) that the text starts with; 0 if invalid. */
static size_t utf8_length(const unsigned char *text, size_t available)
{
	size_t len = text[0] < 0x80;

	if (text[0] >= 0xc2 && text[0] < 0xe0)
		len = 2;
	else if (text[0] >= 0xe0 && text[0] < 0xf0)
		len = 3;
	else if (text[0] >= 0xf0 && text[0] < 0xf5)
		len = 4;
	if (len > available)
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	if ((text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] > 0x9f) ||
	    (text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] > 0x8f))
		return 0;
	return len;
}

static void put_json(const char *value, size_t size)
{
	const unsigned char *text = (const unsigned char *)value;

	put_char('"');
	for (size_t i = 0, len; i < size; i += len ?: 1) {
		len = utf8_length(text + i, size - i);
		if (!len) {
			put_string("\\ufffd");
		} else if (text[i] < ' ' || text[i] == 0x7f) {
			put_string("\\u00");
			put_hex(text[i]);
		} else {
			if (text[i] == '"' || text[i] == '\\')
				put_char('\\');
			put(value + i, len);
		}
	}
	put_char('"');
}

static bool reserve(size_t len)
{
	return used <= sizeof(buffer) - len || writer_flush();
}

void writer_printf(const char *format, ...)
{
	va_list args;
	int length;

	if (!reserve(256))
		return;
	va_start(args, format);
	length = vsnprintf(buffer + used, 256, format, args);
	va_end(args);
	used += length < 256 ? length : 255;
}

void writer_header(const char *names)
{
	if (writer_format == WRITER_CSV)
		writer_printf("%s\n", names);
}

bool writer_begin_line(size_t longest)
{
	first_field = true;
	return reserve(longest);
}

void writer_end_line(void)
{
	put_string(writer_format == WRITER_JSON ? "}\n" : "\n");
}

void writer_name(const char *name)
{
	static const char *const first[] = { "", "{\"", "" };
	static const char *const between[] = { " ", ",\"", "," };
	static const char *const after[] = { "=", "\":", "" };

	put_string((first_field ? first : between)[writer_format]);
	first_field = false;
	if (writer_format != WRITER_CSV)
		put_string(name);
	put_string(after[writer_format]);
}

static void put_unsigned(unsigned long long value)
{
	char digits[20];
	size_t i = sizeof(digits);

	do
		digits[--i] = '0' + value % 10;
	while (value /= 10);
	put(digits + i, sizeof(digits) - i);
}

void writer_unsigned(const char *name, unsigned long long value)
{
	writer_name(name);
	put_unsigned(value);
}

void writer_signed(const char *name, long long value)
{
	writer_name(name);
	if (value < 0)
		put_char('-');
	put_unsigned(value < 0 ? -(unsigned long long)value : (unsigned long long)value);
}

void writer_word(const char *name, const char *word)
{
	writer_name(name);
	put_quote();
	put_string(word);
	put_quote();
}

void writer_bytes(const char *name, const char *value, size_t len)
{
	writer_name(name);
	if (writer_format == WRITER_TEXT)
		writer_escaped(value, len);
	else if (writer_format == WRITER_JSON)
		put_json(value, len);
	else
		put_csv(value, len);
}

void writer_nothing(const char *name)
{
	if (writer_format == WRITER_TEXT)
		return;
	writer_name(name);
	put_string(writer_format == WRITER_JSON ? "null" : "");
}

void writer_time(const char *name, unsigned long long ns)
{
	static char text[sizeof("2025-01-31T23:59:59.")];
	static time_t shown = -1;
	time_t seconds = (boot_ns + ns) / NS_PER_S;
	char digits[9];
	struct tm utc;

	if (seconds != shown) {
		gmtime_r(&seconds, &utc);
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S.", &utc);
		shown = seconds;
	}
	writer_name(name);
	put_quote();
	put_string(text);
	ns = (boot_ns + ns) % NS_PER_S;
	for (int i = sizeof(digits) - 1; i >= 0; i--, ns /= 10)
		digits[i] = '0' + ns % 10;
	put(digits, sizeof(digits));
	put_char('Z');
	put_quote();
}
