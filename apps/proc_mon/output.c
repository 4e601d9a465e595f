// SPDX-License-Identifier: BSD-3-Clause
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "container.h"
#include "output.h"

#define NS_PER_S 1000000000ULL
#define EVENT_MAX 10240 /* a byte of a text is six in JSON at most */

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

static void put_unsigned(unsigned long long value)
{
	char digits[20];
	size_t i = sizeof(digits);

	do
		digits[--i] = '0' + value % 10;
	while (value /= 10);
	put(digits + i, sizeof(digits) - i);
}

static void put_digits(unsigned int value, unsigned int n)
{
	for (unsigned int i = n; i--; value /= 10)
		buffer[used + i] = '0' + value % 10;
	used += n;
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
static void put_text_value(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (printable(text[i]) && text[i] != '=' && text[i] != '"') {
			put_char(text[i]);
		} else {
			put_string("\\x");
			put_hex(text[i]);
		}
	}
}

/* \xNN as in text, but space and = are harmless; quoted as RFC 4180 has it where it must be. */
static void put_csv_value(const char *text, size_t len)
{
	bool quoted = memchr(text, ',', len) || memchr(text, '"', len);

	if (quoted)
		put_char('"');
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '"') {
			put_string("\"\"");
		} else if (printable(text[i]) || text[i] == ' ') {
			put_char(text[i]);
		} else {
			put_string("\\x");
			put_hex(text[i]);
		}
	}
	if (quoted)
		put_char('"');
}

/* The bytes of the UTF-8 character (RFC 3629) that a text starts with, 0 if it is none. */
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

/* A JSON string: UTF-8 as it is, U+FFFD for each byte that is not. */
static void put_json_value(const char *value, size_t size)
{
	const unsigned char *text = (const unsigned char *)value;

	put_char('"');
	for (size_t i = 0, len; i < size; i += len) {
		len = 1;
		if (text[i] == ' ' || (printable(text[i]) && text[i] != '"')) {
			put_char(text[i]);
		} else if (text[i] == '"' || text[i] == '\\') {
			put_char('\\');
			put_char(text[i]);
		} else if (text[i] < 0x80) {
			put_string("\\u00");
			put_hex(text[i]);
		} else if ((len = utf8_length(text + i, size - i))) {
			put(value + i, len);
		} else {
			put_string("\\ufffd");
			len = 1;
		}
	}
	put_char('"');
}

/* The name of a field, and what is before and after it. Text leaves out what has no value. */
static void put_name(const char *name)
{
	static const char *const before[] = { " ", ",\"", "," }, *const after[] = { "=",
										    "\":", "" };
	bool first = !used || buffer[used - 1] == '\n';

	if (!first)
		put_string(before[format]);
	else if (format == FORMAT_JSON)
		put_string("{\"");
	if (format != FORMAT_CSV)
		put_string(name);
	put_string(after[format]);
}

static void put_nothing(const char *name)
{
	if (format == FORMAT_TEXT)
		return;
	put_name(name);
	if (format == FORMAT_JSON)
		put_string("null");
}

static void put_number(const char *name, unsigned long long value)
{
	put_name(name);
	put_unsigned(value);
}

static void put_bytes(const char *name, const char *text, size_t len)
{
	put_name(name);
	if (format == FORMAT_TEXT)
		put_text_value(text, len);
	else if (format == FORMAT_JSON)
		put_json_value(text, len);
	else
		put_csv_value(text, len);
}

static void put_word(const char *name, const char *word)
{
	put_bytes(name, word, strlen(word));
}

static void put_container(const char *cgroup)
{
	size_t len;
	const char *id = container_find(cgroup, &len);

	if (!id)
		put_word("container", "host");
	else if (format == FORMAT_TEXT && len == CONTAINER_ID_LEN)
		put_bytes("container", id, SHORT_ID_LEN);
	else
		put_bytes("container", id, len);
}

/*
 * What wait() says of the end. A task's own state says nothing here: at both events it runs. The
 * code of a signal is as shells show it.
 */
static void put_end(const struct event *event)
{
	int status = event->status;

	if (event->kind == KIND_EXEC || event->kind == KIND_DENY) {
		put_word("state", event->kind == KIND_EXEC || event->error ? "running" : "denied");
		put_nothing("signal");
		put_nothing("exit_code");
	} else if (WIFEXITED(status)) {
		put_word("state", "exited");
		put_nothing("signal");
		put_number("exit_code", WEXITSTATUS(status));
	} else {
		put_word("state", WCOREDUMP(status) ? "dumped" : "killed");
		put_number("signal", WTERMSIG(status));
		put_number("exit_code", 128 + WTERMSIG(status));
	}
}

static void put_duration(unsigned long long ns)
{
	put_number("duration_ms", ns / 1000000);
	put_char('.');
	put_digits(ns / 1000 % 1000, 3);
}

/* The rule as it was written: its = is no part of a value. */
static void put_rule(const char *rule)
{
	const char *value = strchr(rule, '=');

	if (format != FORMAT_TEXT) {
		put_word("rule", rule);
		return;
	}
	put_name("rule");
	put(rule, value + 1 - rule);
	put_text_value(value + 1, strlen(value + 1));
}

/* The time of the event, as 2025-01-31T23:59:59.123456789Z. */
static void put_time(unsigned long long ns)
{
	char text[sizeof("2025-01-31T23:59:59.123456789Z")];
	time_t seconds = ns / NS_PER_S;
	unsigned int fraction = ns % NS_PER_S;
	struct tm utc;

	gmtime_r(&seconds, &utc);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S.000000000Z", &utc);
	for (size_t i = sizeof(text) - 3; fraction; i--, fraction /= 10)
		text[i] = '0' + fraction % 10;
	put_word("timestamp", text);
}

void output_begin(enum format wanted)
{
	format = wanted;
	if (format == FORMAT_CSV)
		put_string("id,event,uid,gid,container,ppid,pid,comm,path,state,signal,exit_code,"
			   "duration_ms,rule,cgroup,timestamp\n");
}

void output_read_clocks(void)
{
	struct timespec real, mono;

	clock_gettime(CLOCK_REALTIME, &real);
	clock_gettime(CLOCK_MONOTONIC, &mono);
	boot_ns = (real.tv_sec - mono.tv_sec) * NS_PER_S + real.tv_nsec - mono.tv_nsec;
}

void output_event(const struct event *event, unsigned long long id, const char *rule)
{
	static const char *const kinds[] = { "exec", "exit", "deny" };

	if (used > sizeof(buffer) - EVENT_MAX && !output_flush())
		return;
	put_number("id", id);
	put_word("event", kinds[event->kind]);
	put_number("uid", event->uid);
	put_number("gid", event->gid);
	put_container(event->cgroup);
	put_number("ppid", event->ppid);
	put_number("pid", event->tgid);
	put_bytes("comm", event->comm, strnlen(event->comm, COMM_LEN));
	if (*event->path)
		put_bytes("path", event->path, strnlen(event->path, PATH_LEN));
	else
		put_nothing("path");
	put_end(event);
	put_duration(event->ns > event->start_ns ? event->ns - event->start_ns : 0);
	if (rule)
		put_rule(rule);
	else
		put_nothing("rule");
	if (format != FORMAT_TEXT) {
		put_bytes("cgroup", event->cgroup, strnlen(event->cgroup, CGROUP_LEN));
		put_time(boot_ns + event->ns);
	}
	put_string(format == FORMAT_JSON ? "}\n" : "\n");
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
