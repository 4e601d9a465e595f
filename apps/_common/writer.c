// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#include "writer.h"

#define NS_PER_S 1000000000ULL

char writer_buffer[64 << 10];
size_t writer_used;
static int error;
static unsigned long long boot_ns; /* CLOCK_REALTIME at the time CLOCK_MONOTONIC was 0 */

bool writer_flush(void)
{
	size_t done = 0;

	while (done < writer_used && !error) {
		ssize_t n = write(STDOUT_FILENO, writer_buffer + done, writer_used - done);

		if (n >= 0)
			done += n;
		else if (errno == EAGAIN) /* another user of the file made it non-blocking */
			poll(&(struct pollfd){ STDOUT_FILENO, POLLOUT, 0 }, 1, -1);
		else if (errno != EINTR)
			error = errno;
	}
	writer_used = 0;
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

static void put_hex(unsigned char byte)
{
	writer_put_char("0123456789abcdef"[byte >> 4]);
	writer_put_char("0123456789abcdef"[byte & 15]);
}

static bool printable(unsigned char c)
{
	return c > ' ' && c < 0x7f && c != '\\';
}

void writer_put_text(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (printable(text[i]) && text[i] != '=' && text[i] != '"') {
			writer_put_char(text[i]);
		} else {
			writer_put_string("\\x");
			put_hex(text[i]);
		}
	}
}

void writer_put_csv(const char *text, size_t len)
{
	bool quoted = memchr(text, ',', len) || memchr(text, '"', len);

	if (quoted)
		writer_put_char('"');
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '"') {
			writer_put_string("\"\"");
		} else if (printable(text[i]) || text[i] == ' ') {
			writer_put_char(text[i]);
		} else {
			writer_put_string("\\x");
			put_hex(text[i]);
		}
	}
	if (quoted)
		writer_put_char('"');
}

/* Returns the length of the UTF-8 sequence (RFC 3629) that the text starts with; 0 if invalid. */
static size_t utf8_length(const unsigned char *text, size_t available)
{
	size_t len = 0;

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

void writer_put_json(const char *value, size_t size)
{
	const unsigned char *text = (const unsigned char *)value;

	writer_put_char('"');
	for (size_t i = 0, len; i < size; i += len) {
		len = 1;
		if (text[i] == ' ' || (printable(text[i]) && text[i] != '"')) {
			writer_put_char(text[i]);
		} else if (text[i] == '"' || text[i] == '\\') {
			writer_put_char('\\');
			writer_put_char(text[i]);
		} else if (text[i] < 0x80) {
			writer_put_string("\\u00");
			put_hex(text[i]);
		} else if ((len = utf8_length(text + i, size - i))) {
			writer_put(value + i, len);
		} else {
			writer_put_string("\\ufffd");
			len = 1;
		}
	}
	writer_put_char('"');
}

void writer_put_time(unsigned long long ns)
{
	static char text[sizeof("2025-01-31T23:59:59.")];
	static time_t shown = -1;
	time_t seconds = (boot_ns + ns) / NS_PER_S;
	struct tm utc;

	if (seconds != shown) {
		gmtime_r(&seconds, &utc);
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S.", &utc);
		shown = seconds;
	}
	writer_put(text, sizeof(text) - 1);
	writer_put_digits((boot_ns + ns) % NS_PER_S, 9);
	writer_put_char('Z');
}
