// SPDX-License-Identifier: BSD-3-Clause
#include <sys/wait.h>

#include "container.h"
#include "options.h"
#include "output.h"

#define EVENT_MAX 10240 /* a byte becomes at most six in JSON */

/* Writes a field's name with its separators. Text omits fields that have no value. */
static void put_name(const char *name)
{
	static const char *const before[] = { " ", ",\"", "," };
	static const char *const after[] = { "=", "\":", "" };
	bool first = !writer_used || writer_buffer[writer_used - 1] == '\n';

	if (!first)
		writer_put_string(before[monitor_options.format]);
	else if (monitor_options.format == WRITER_JSON)
		writer_put_string("{\"");
	if (monitor_options.format != WRITER_CSV)
		writer_put_string(name);
	writer_put_string(after[monitor_options.format]);
}

static void put_nothing(const char *name)
{
	if (monitor_options.format == WRITER_TEXT)
		return;
	put_name(name);
	if (monitor_options.format == WRITER_JSON)
		writer_put_string("null");
}

static void put_number(const char *name, unsigned long long value)
{
	put_name(name);
	writer_put_unsigned(value);
}

static void put_bytes(const char *name, const char *text, size_t len)
{
	put_name(name);
	if (monitor_options.format == WRITER_TEXT)
		writer_put_text(text, len);
	else if (monitor_options.format == WRITER_JSON)
		writer_put_json(text, len);
	else
		writer_put_csv(text, len);
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
	else if (monitor_options.format == WRITER_TEXT && len == CONTAINER_ID_LEN)
		put_bytes("container", id, SHORT_ID_LEN);
	else
		put_bytes("container", id, len);
}

/*
 * Decodes the status of wait(). The task's own state is of no use: it runs at both events. The code
 * for a signal is the one that shells show.
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
	writer_put_char('.');
	writer_put_digits(ns / 1000 % 1000, 3);
}

/* Writes the rule as the user wrote it: its first = is not escaped. */
static void put_rule(const char *rule)
{
	const char *value = strchr(rule, '=');

	if (monitor_options.format != WRITER_TEXT) {
		put_word("rule", rule);
		return;
	}
	put_name("rule");
	writer_put(rule, value + 1 - rule);
	writer_put_text(value + 1, strlen(value + 1));
}

void output_begin(void)
{
	if (monitor_options.format == WRITER_CSV)
		writer_put_string(
			"id,event,uid,gid,container,ppid,pid,comm,path,state,signal,exit_code,"
			"duration_ms,rule,cgroup,timestamp\n");
}

void output_event(const struct event *event, unsigned long long id, const char *rule)
{
	static const char *const kinds[] = { "exec", "exit", "deny" };

	if (!writer_reserve(EVENT_MAX))
		return;
	put_number("id", id);
	put_word("event", kinds[event->kind]);
	put_number("uid", event->uid);
	put_number("gid", event->gid);
	put_container(event->cgroup);
	put_number("ppid", event->ppid);
	put_number("pid", event->tgid);
	put_bytes("comm", event->comm, strnlen(event->comm, MONITOR_COMM_LEN));
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
	if (monitor_options.format != WRITER_TEXT) {
		put_bytes("cgroup", event->cgroup, strnlen(event->cgroup, CGROUP_LEN));
		put_name("timestamp");
		writer_put_string(monitor_options.format == WRITER_JSON ? "\"" : "");
		writer_put_time(event->ns);
	}
	writer_put_string(monitor_options.format == WRITER_JSON ? "\"}\n" : "\n");
}
