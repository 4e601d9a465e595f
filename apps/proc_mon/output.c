// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>
#include <sys/wait.h>

#include "container.h"
#include "output.h"
#include "writer.h"

#define EVENT_MAX 10240 /* a byte becomes at most six in JSON */

static void put_container(const char *cgroup)
{
	size_t len;
	const char *id = container_find(cgroup, &len);

	if (!id)
		writer_word("container", "host");
	else if (writer_format == WRITER_TEXT && len == CONTAINER_ID_LEN)
		writer_bytes("container", id, SHORT_ID_LEN);
	else
		writer_bytes("container", id, len);
}

/*
 * Decodes the status of wait(). The task's own state is of no use: it runs at both events. The code
 * for a signal is the one that shells show.
 */
static void put_end(const struct event *event)
{
	int status = event->status;

	if (event->kind == KIND_EXEC || event->kind == KIND_DENY) {
		writer_word("state", event->kind == KIND_EXEC || event->error ? "running" : "denied");
		writer_nothing("signal");
		writer_nothing("exit_code");
	} else if (WIFEXITED(status)) {
		writer_word("state", "exited");
		writer_nothing("signal");
		writer_unsigned("exit_code", WEXITSTATUS(status));
	} else {
		writer_word("state", WCOREDUMP(status) ? "dumped" : "killed");
		writer_unsigned("signal", WTERMSIG(status));
		writer_unsigned("exit_code", 128 + WTERMSIG(status));
	}
}

static void put_duration(unsigned long long ns)
{
	writer_name("duration_ms");
	writer_printf("%llu.%03llu", ns / 1000000, ns / 1000 % 1000);
}

/* Writes the rule as the user wrote it: its first = is not escaped. */
static void put_rule(const char *rule)
{
	const char *value = strchr(rule, '=');

	if (writer_format != WRITER_TEXT) {
		writer_bytes("rule", rule, strlen(rule));
		return;
	}
	writer_name("rule");
	writer_printf("%.*s", (int)(value + 1 - rule), rule);
	writer_escaped(value + 1, strlen(value + 1));
}

void output_begin(void)
{
	writer_header("id,event,uid,gid,container,ppid,pid,comm,path,state,signal,exit_code,"
		      "duration_ms,rule,cgroup,timestamp");
}

void output_event(const struct event *event, unsigned long long id, const char *rule)
{
	static const char *const kinds[] = { "exec", "exit", "deny" };

	if (!writer_begin_line(EVENT_MAX))
		return;
	writer_unsigned("id", id);
	writer_word("event", kinds[event->kind]);
	writer_unsigned("uid", event->uid);
	writer_unsigned("gid", event->gid);
	put_container(event->cgroup);
	writer_unsigned("ppid", event->ppid);
	writer_unsigned("pid", event->tgid);
	writer_bytes("comm", event->comm, strnlen(event->comm, MONITOR_COMM_LEN));
	if (*event->path)
		writer_bytes("path", event->path, strnlen(event->path, PATH_LEN));
	else
		writer_nothing("path");
	put_end(event);
	put_duration(event->ns > event->start_ns ? event->ns - event->start_ns : 0);
	if (rule)
		put_rule(rule);
	else
		writer_nothing("rule");
	if (writer_format != WRITER_TEXT) {
		writer_bytes("cgroup", event->cgroup, strnlen(event->cgroup, CGROUP_LEN));
		writer_time("timestamp", event->ns);
	}
	writer_end_line();
}
