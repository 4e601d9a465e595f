// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>

#include "output.h"
#include "syscalls.h"
#include "writer.h"

#define EVENT_MAX 512 /* no event is longer in any format */

void output_begin(void)
{
	writer_header("pid,tid,comm,uid,abi,syscall_number,syscall_name,syscall_runtime_ns,ret,"
		      "timestamp");
}

void output_event(const struct event *event)
{
	const bool all = writer_format != WRITER_TEXT;

	if (!writer_begin_line(EVENT_MAX))
		return;
	writer_unsigned("pid", event->tgid);
	if (all)
		writer_unsigned("tid", event->tid);
	writer_bytes("comm", event->comm, strnlen(event->comm, MONITOR_COMM_LEN));
	if (all) {
		writer_unsigned("uid", event->uid);
		writer_word("abi", abi_name(event->abi));
	}
	writer_signed("syscall_number", event->number);
	writer_word("syscall_name", syscall_name(event->abi, event->number));
	writer_unsigned("syscall_runtime_ns", event->runtime_ns);
	if (all) {
		writer_signed("ret", event->ret);
		/* When the syscall was entered. */
		writer_time("timestamp", event->exit_ns - event->runtime_ns);
	}
	writer_end_line();
}
