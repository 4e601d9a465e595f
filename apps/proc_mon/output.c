// SPDX-License-Identifier: BSD-3-Clause
#include <sys/wait.h>

#include "container.h"
#include "options.h"
#include "output.h"

#define EVENT_MAX 10240 /* a byte of a text is six in JSON at most */

/* The name of a field, and what is before and after it. Text leaves out what has no value. */
static void put_name(const char *name)
{
	static const char *const before[] = { " ", ",\"", "," };
	static const char *const after[] = { "=", "\":", "" };
	bool first = !writer_used || writer_buffer[writer_used - 1] == '\n';

	if (!first)
		put_string(before[env.format]);
	else if (env.format == FORMAT_JSON)
		put_string("{\"");
	if (env.format != FORMAT_CSV)
		put_string(name);
	put_string(after[env.format]);
}

static void put_nothing(const char *name)
{
	if (env.format == FORMAT_TEXT)
		return;
	put_name(name);
	if (env.format == FORMAT_JSON)
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
	if (env.format == FORMAT_TEXT)
		put_text_value(text, len);
	else if (env.format == FORMAT_JSON)
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
	else if (env.format == FORMAT_TEXT && len == CONTAINER_ID_LEN)
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

	if (env.format != FORMAT_TEXT) {
		put_word("rule", rule);
		return;
	}
	put_name("rule");
	put(rule, value + 1 - rule);
	put_text_value(value + 1, strlen(value + 1));
}

void output_begin(void)
{
	if (env.format == FORMAT_CSV)
		put_string("id,event,uid,gid,container,ppid,pid,comm,path,state,signal,exit_code,"
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
	if (env.format != FORMAT_TEXT) {
		put_bytes("cgroup", event->cgroup, strnlen(event->cgroup, CGROUP_LEN));
		put_name("timestamp");
		put_string(env.format == FORMAT_JSON ? "\"" : "");
		put_time(event->ns);
	}
	put_string(env.format == FORMAT_JSON ? "\"}\n" : "\n");
}
