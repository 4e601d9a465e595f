// SPDX-License-Identifier: BSD-3-Clause
#include "options.h"
#include "output.h"
#include "syscalls.h"

#define EVENT_MAX 512 /* no event is longer in any format */

static void put_syscall_name(const struct event *event)
{
	const char *name = syscall_name(event->abi, event->number);

	if (name) {
		writer_put_string(name);
	} else {
		writer_put_string("unknown_");
		writer_put_signed(event->number);
	}
}

static size_t comm_length(const struct event *event)
{
	return strnlen(event->comm, MONITOR_COMM_LEN);
}

/* Writes the time when the syscall was entered. */
static void put_start(const struct event *event)
{
	writer_put_time(event->exit_ns - event->runtime_ns);
}

static void put_text(const struct event *event)
{
	writer_put_string("pid=");
	writer_put_unsigned(event->tgid);
	writer_put_string(" comm=");
	writer_put_text(event->comm, comm_length(event));
	writer_put_string(" syscall_number=");
	writer_put_signed(event->number);
	writer_put_string(" syscall_name=");
	put_syscall_name(event);
	writer_put_string(" syscall_runtime_ns=");
	writer_put_unsigned(event->runtime_ns);
	writer_put_char('\n');
}

static void put_json(const struct event *event)
{
	writer_put_string("{\"pid\":");
	writer_put_unsigned(event->tgid);
	writer_put_string(",\"tid\":");
	writer_put_unsigned(event->tid);
	writer_put_string(",\"comm\":");
	writer_put_json(event->comm, comm_length(event));
	writer_put_string(",\"uid\":");
	writer_put_unsigned(event->uid);
	writer_put_string(",\"abi\":\"");
	writer_put_string(abi_name(event->abi));
	writer_put_string("\",\"syscall_number\":");
	writer_put_signed(event->number);
	writer_put_string(",\"syscall_name\":\"");
	put_syscall_name(event);
	writer_put_string("\",\"syscall_runtime_ns\":");
	writer_put_unsigned(event->runtime_ns);
	writer_put_string(",\"ret\":");
	writer_put_signed(event->ret);
	writer_put_string(",\"timestamp\":\"");
	put_start(event);
	writer_put_string("\"}\n");
}

static void put_csv(const struct event *event)
{
	writer_put_unsigned(event->tgid);
	writer_put_char(',');
	writer_put_unsigned(event->tid);
	writer_put_char(',');
	writer_put_csv(event->comm, comm_length(event));
	writer_put_char(',');
	writer_put_unsigned(event->uid);
	writer_put_char(',');
	writer_put_string(abi_name(event->abi));
	writer_put_char(',');
	writer_put_signed(event->number);
	writer_put_char(',');
	put_syscall_name(event);
	writer_put_char(',');
	writer_put_unsigned(event->runtime_ns);
	writer_put_char(',');
	writer_put_signed(event->ret);
	writer_put_char(',');
	put_start(event);
	writer_put_char('\n');
}

void output_begin(void)
{
	if (monitor_options.format == WRITER_CSV)
		writer_put_string(
			"pid,tid,comm,uid,abi,syscall_number,syscall_name,syscall_runtime_ns,"
			"ret,timestamp\n");
}

void output_event(const struct event *event)
{
	if (!writer_reserve(EVENT_MAX))
		return;
	if (monitor_options.format == WRITER_TEXT)
		put_text(event);
	else if (monitor_options.format == WRITER_JSON)
		put_json(event);
	else
		put_csv(event);
}
