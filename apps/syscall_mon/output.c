// SPDX-License-Identifier: BSD-3-Clause
#include "options.h"
#include "output.h"
#include "syscalls.h"

#define EVENT_MAX 512 /* no event is longer in any format */

static void put_syscall_name(const struct event *event)
{
	const char *name = syscall_name(event->abi, event->number);

	if (name) {
		put_string(name);
	} else {
		put_string("unknown_");
		put_signed(event->number);
	}
}

static size_t comm_length(const struct event *event)
{
	return strnlen(event->comm, COMM_LEN);
}

/* When the syscall was entered. */
static void put_start(const struct event *event)
{
	put_time(event->exit_ns - event->runtime_ns);
}

static void put_text(const struct event *event)
{
	put_string("pid=");
	put_unsigned(event->tgid);
	put_string(" comm=");
	put_text_value(event->comm, comm_length(event));
	put_string(" syscall_number=");
	put_signed(event->number);
	put_string(" syscall_name=");
	put_syscall_name(event);
	put_string(" syscall_runtime_ns=");
	put_unsigned(event->runtime_ns);
	put_char('\n');
}

static void put_json(const struct event *event)
{
	put_string("{\"pid\":");
	put_unsigned(event->tgid);
	put_string(",\"tid\":");
	put_unsigned(event->tid);
	put_string(",\"comm\":");
	put_json_value(event->comm, comm_length(event));
	put_string(",\"uid\":");
	put_unsigned(event->uid);
	put_string(",\"abi\":\"");
	put_string(abi_name(event->abi));
	put_string("\",\"syscall_number\":");
	put_signed(event->number);
	put_string(",\"syscall_name\":\"");
	put_syscall_name(event);
	put_string("\",\"syscall_runtime_ns\":");
	put_unsigned(event->runtime_ns);
	put_string(",\"ret\":");
	put_signed(event->ret);
	put_string(",\"timestamp\":\"");
	put_start(event);
	put_string("\"}\n");
}

static void put_csv(const struct event *event)
{
	put_unsigned(event->tgid);
	put_char(',');
	put_unsigned(event->tid);
	put_char(',');
	put_csv_value(event->comm, comm_length(event));
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
	put_start(event);
	put_char('\n');
}

void output_begin(void)
{
	if (env.format == FORMAT_CSV)
		put_string("pid,tid,comm,uid,abi,syscall_number,syscall_name,syscall_runtime_ns,"
			   "ret,timestamp\n");
}

void output_event(const struct event *event)
{
	if (!writer_reserve(EVENT_MAX))
		return;
	if (env.format == FORMAT_TEXT)
		put_text(event);
	else if (env.format == FORMAT_JSON)
		put_json(event);
	else
		put_csv(event);
}
