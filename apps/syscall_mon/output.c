// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "output.h"
#include "syscalls.h"

#define NS_PER_S 1000000000ULL
#define EVENT_MAX 512 /* no event is longer in any format */

static enum format format;
static char buffer[64 << 10];
static size_t used;
static int error;
static unsigned long long boot_ns; /* CLOCK_REALTIME when CLOCK_MONOTONIC was 0 */

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

#define PUT(literal) put(literal, sizeof(literal) - 1)

static void put_unsigned(unsigned long long value)
{
	char digits[20];
	size_t i = sizeof(digits);

	do
		digits[--i] = '0' + value % 10;
	while (value /= 10);
	put(digits + i, sizeof(digits) - i);
}

static void put_signed(long long value)
{
	if (value < 0)
		put_char('-');
	put_unsigned(value < 0 ? -(unsigned long long)value : (unsigned long long)value);
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

/* \xNN for all that could break the line, its fields or a terminal. */
static void put_text_comm(const char *comm)
{
	for (size_t i = 0; i < COMM_LEN && comm[i]; i++) {
		if (printable(comm[i]) && comm[i] != '=' && comm[i] != '"') {
			put_char(comm[i]);
		} else {
			PUT("\\x");
			put_hex(comm[i]);
		}
	}
}

/* \xNN as in text, but space and = are harmless; quoted as RFC 4180 has it where it must be. */
static void put_csv_comm(const char *comm)
{
	bool quoted = memchr(comm, ',', strnlen(comm, COMM_LEN)) ||
		      memchr(comm, '"', strnlen(comm, COMM_LEN));

	if (quoted)
		put_char('"');
	for (size_t i = 0; i < COMM_LEN && comm[i]; i++) {
		if (comm[i] == '"') {
			PUT("\"\"");
		} else if (printable(comm[i]) || comm[i] == ' ') {
			put_char(comm[i]);
		} else {
			PUT("\\x");
			put_hex(comm[i]);
		}
	}
	if (quoted)
		put_char('"');
}

/* The bytes of the UTF-8 character (RFC 3629) that a text starts with, 0 if it is none. */
static size_t utf8_length(const unsigned char *text)
{
	size_t len = 0;

	if (text[0] >= 0xc2 && text[0] < 0xe0)
		len = 2;
	else if (text[0] >= 0xe0 && text[0] < 0xf0)
		len = 3;
	else if (text[0] >= 0xf0 && text[0] < 0xf5)
		len = 4;
	for (size_t i = 1; i < len; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	if ((text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] > 0x9f) ||
	    (text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] > 0x8f))
		return 0;
	return len;
}

/* A JSON string: UTF-8 as it is, U+FFFD for each byte that is not. */
static void put_json_comm(const char *comm)
{
	unsigned char text[COMM_LEN + 1] = {};

	memcpy(text, comm, COMM_LEN);
	put_char('"');
	for (size_t i = 0, len; text[i]; i += len) {
		len = 1;
		if (text[i] == ' ' || (printable(text[i]) && text[i] != '"')) {
			put_char(text[i]);
		} else if (text[i] == '"' || text[i] == '\\') {
			put_char('\\');
			put_char(text[i]);
		} else if (text[i] < 0x80) {
			PUT("\\u00");
			put_hex(text[i]);
		} else if ((len = utf8_length(text + i))) {
			put((const char *)text + i, len);
		} else {
			PUT("\\ufffd");
			len = 1;
		}
	}
	put_char('"');
}

static void put_syscall_name(const struct event *event)
{
	const char *name = syscall_name(event->abi, event->number);

	if (name) {
		put_string(name);
	} else {
		PUT("unknown_");
		put_signed(event->number);
	}
}

/* When the syscall was entered, as 2025-01-31T23:59:59.123456789Z. */
static void put_time(const struct event *event)
{
	static char text[sizeof("2025-01-31T23:59:59")];
	static time_t shown;
	unsigned long long ns = boot_ns + event->exit_ns - event->runtime_ns;
	unsigned int fraction = ns % NS_PER_S;
	time_t seconds = ns / NS_PER_S;
	struct tm utc;

	if (seconds != shown) {
		gmtime_r(&seconds, &utc);
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &utc);
		shown = seconds;
	}
	put_string(text);
	put_char('.');
	for (size_t i = 9; i--; fraction /= 10)
		buffer[used + i] = '0' + fraction % 10;
	used += 9;
	put_char('Z');
}

static void put_text(const struct event *event)
{
	PUT("pid=");
	put_unsigned(event->tgid);
	PUT(" comm=");
	put_text_comm(event->comm);
	PUT(" syscall_number=");
	put_signed(event->number);
	PUT(" syscall_name=");
	put_syscall_name(event);
	PUT(" syscall_runtime_ns=");
	put_unsigned(event->runtime_ns);
	put_char('\n');
}

static void put_json(const struct event *event)
{
	PUT("{\"pid\":");
	put_unsigned(event->tgid);
	PUT(",\"tid\":");
	put_unsigned(event->tid);
	PUT(",\"comm\":");
	put_json_comm(event->comm);
	PUT(",\"uid\":");
	put_unsigned(event->uid);
	PUT(",\"abi\":\"");
	put_string(abi_name(event->abi));
	PUT("\",\"syscall_number\":");
	put_signed(event->number);
	PUT(",\"syscall_name\":\"");
	put_syscall_name(event);
	PUT("\",\"syscall_runtime_ns\":");
	put_unsigned(event->runtime_ns);
	PUT(",\"ret\":");
	put_signed(event->ret);
	PUT(",\"timestamp\":\"");
	put_time(event);
	PUT("\"}\n");
}

static void put_csv(const struct event *event)
{
	put_unsigned(event->tgid);
	put_char(',');
	put_unsigned(event->tid);
	put_char(',');
	put_csv_comm(event->comm);
	put_char(',');
	put_unsigned(event->uid);
	put_char(',');
	put_string(abi_name(event->abi));
	put_char(',');
	put_signed(event->number);
	put_char(',');
	put_syscall_name(event);
	put_char(',');
	put_unsigned(event->runtime_ns);
	put_char(',');
	put_signed(event->ret);
	put_char(',');
	put_time(event);
	put_char('\n');
}

void output_begin(enum format wanted)
{
	format = wanted;
	if (format == FORMAT_CSV)
		PUT("pid,tid,comm,uid,abi,syscall_number,syscall_name,syscall_runtime_ns,ret,timestamp\n");
}

void output_read_clocks(void)
{
	struct timespec real, mono;

	clock_gettime(CLOCK_REALTIME, &real);
	clock_gettime(CLOCK_MONOTONIC, &mono);
	boot_ns = (real.tv_sec - mono.tv_sec) * NS_PER_S + real.tv_nsec - mono.tv_nsec;
}

void output_event(const struct event *event)
{
	if (used > sizeof(buffer) - EVENT_MAX && !output_flush())
		return;
	if (format == FORMAT_TEXT)
		put_text(event);
	else if (format == FORMAT_JSON)
		put_json(event);
	else
		put_csv(event);
}

bool output_flush(void)
{
	size_t done = 0;

	while (done < used && !error) {
		ssize_t n = write(STDOUT_FILENO, buffer + done, used - done);

		if (n >= 0)
			done += n;
		else if (errno != EINTR)
			error = errno;
	}
	used = 0;
	return !error;
}

int output_error(void)
{
	return error;
}
