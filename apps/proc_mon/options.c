// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>

#include "options.h"
#include "rules.h"

const char *argp_program_version = "proc_mon 0.1.0";

static const char doc[] =
	"Show which programs are executed and how processes end, and kill what must not run.\v"
	"Filters of different kinds must all match; of several values of one kind, any one.\n\n"
	"Rules are not filters. A process that matches a rule at exec is killed before its first "
	"instruction and reported as a deny event, whatever the filters (except -e):\n"
	"  comm=NAME     the process is named NAME\n"
	"  path=PATH     exec was given PATH, or the executable is PATH (for a script, the "
	"interpreter); if PATH ends with a slash, everything below it\n"
	"  cgroup=PATH   the process is in that cgroup or below; a NAME without a slash matches "
	"any cgroup on the way, or a container's ID by at least 12 digits\n"
	"Process 1 is never killed.\n\n"
	"Text output has one line per event:\n"
	"  id=7 event=exit uid=2000 gid=2000 container=host ppid=411 pid=1290 comm=sleep "
	"path=/system/bin/sleep state=exited exit_code=0 duration_ms=1004.211\n"
	"id numbers the events shown. container is the container's ID (its first 12 digits in "
	"text), its name for LXC and systemd-nspawn, or host. path is what exec was given; the "
	"executable, if that is a relative path, contains .. or is in /proc or /dev/fd; the "
	"parent's path, if the process never called exec. state is running at an exec, denied if a "
	"rule killed the process, and at an exit exited, killed (by a signal) or dumped (core); a "
	"signal's exit_code is 128 + its number. duration_ms is the age of the process. A process "
	"ends with its last thread; threads are not shown.\n"
	"Space, =, \", \\ and bytes other than printable ASCII appear as \\xNN. json has one "
	"object per line, csv a header; both add cgroup and timestamp (UTC).\n\n"
	"Stops at Ctrl-C, at the limit of -d or -n, when stdout is closed, and when all processes "
	"of -p have ended; the rules then no longer apply. Lost events are reported on stderr.";

enum { KEY_CONTAINER = 256, KEY_DENY, KEY_BTF };

static const struct argp_option argp_options[] = {
	{ "parent", 'P', "PID", 0, "Only children of this process; may be repeated", 1 },
	{ "comm", 'c', "COMM", 0,
	  "Only processes with this name (at most 15 bytes); may be repeated", 1 },
	{ "event", 'e', "KIND", 0, "Only these events: exec, exit or deny; may be repeated", 1 },
	{ "container", KEY_CONTAINER, NULL, 0, "Only processes in containers", 1 },
	{ "deny", KEY_DENY, "RULE", 0,
	  "Kill what matches at exec: comm=NAME, path=PATH or cgroup=CGROUP; may be repeated", 2 },
	{ "btf", KEY_BTF, "FILE", 0, "BTF of the running kernel, if it provides none", 5 },
	{},
};

struct options options;

static void add_kind(const char *text)
{
	static const char *const names[] = { "exec", "exit", "deny" };

	for (enum kind kind = 0; kind < KINDS; kind++)
		if (!strcmp(text, names[kind])) {
			options.kinds[kind] = options.filter_kind = true;
			return;
		}
	monitor_die("bad event '%s': expected exec, exit or deny", text);
}

static void add_rule(const char *text)
{
	const char *problem = rules_add(text);

	if (problem)
		monitor_die("bad rule '%s': %s", text, problem);
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	(void)state;
	switch (key) {
	case 'P':
		monitor_add_process(&monitor_options.others, arg);
		break;
	case 'c':
		if (!*arg)
			monitor_die("bad comm '': expected a name");
		monitor_add_comm("process", arg);
		break;
	case 'e':
		add_kind(arg);
		break;
	case KEY_CONTAINER:
		options.containers = true;
		break;
	case KEY_DENY:
		add_rule(arg);
		break;
	case KEY_BTF:
		options.btf = arg;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

void parse_options(int argc, char **argv)
{
	monitor_parse_options(argp_options, parse_option, doc, argc, argv);
}
