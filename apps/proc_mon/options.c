// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>

#include "options.h"
#include "rules.h"

const char *argp_program_version = "proc_mon 0.1.0";

static const char doc[] =
	"Show which programs are executed and how processes end, and kill what must not run.\v"
	"Filters of different kinds must all match; of values of one kind, one must.\n\n"
	"Rules are not filters. A process for which one holds at its exec is killed before its first "
	"instruction, and told as a deny event, whatever the filters say (but -e):\n"
	"  comm=NAME     the process's name\n"
	"  path=PATH     what exec was given, or the executable itself (of a script the "
	"interpreter); all below it if PATH ends with a slash\n"
	"  cgroup=PATH   in that cgroup or below; a NAME without a slash is that of any cgroup on "
	"the way, or a container's ID, 12 digits or more of it\n"
	"Process 1 is never killed.\n\n"
	"Text is a line an event:\n"
	"  id=7 event=exit uid=2000 gid=2000 container=host ppid=411 pid=1290 comm=sleep "
	"path=/system/bin/sleep state=exited exit_code=0 duration_ms=1004.211\n"
	"id counts what is shown. container is the ID of the container that the cgroup is of (12 "
	"digits of it in text), of LXC the name, or host. path is what exec was given, or the "
	"executable where that is no path from the root, is in /proc or /dev/fd, or has a ..; of a "
	"process that never called exec its parent's. state is what the event says: running at an "
	"exec; at an exit exited, or killed or dumped (with core) by a signal, whose exit_code is "
	"128 more; denied. duration_ms is how long the process has existed. A process ends with "
	"the last of its threads, which are not shown.\n"
	"Bytes other than printable ASCII, and space, = \" and \\, show as \\xNN. json is an object a "
	"line, csv has a header; both add cgroup and timestamp (UTC).\n\n"
	"Ends at Ctrl-C, at what -d and -n say, when stdout is closed, and when all processes of -p "
	"are gone; rules hold no longer. What was lost on the way is told on stderr.";

enum { KEY_CONTAINER = 256, KEY_DENY, KEY_BTF };

static const struct argp_option options[] = {
	{ "pid", 'p', "PID", 0, "Only this process; may be repeated", 1 },
	{ "parent", 'P', "PID", 0, "Only processes with this parent; may be repeated", 1 },
	{ "comm", 'c', "COMM", 0, "Only processes of this name (15 bytes at most); may be repeated",
	  1 },
	{ "event", 'e', "KIND", 0, "Only these events: exec, exit or deny; may be repeated", 1 },
	{ "container", KEY_CONTAINER, NULL, 0, "Only processes in containers", 1 },
	{ "deny", KEY_DENY, "RULE", 0,
	  "Kill at its exec what this holds for: comm=NAME, path=PATH or cgroup=CGROUP; may be "
	  "repeated",
	  2 },
	{ "btf", KEY_BTF, "FILE", 0, "BTF of the kernel, for one that has none itself", 5 },
	{},
};

struct own_options own;

static void add_process(struct key_list *list, const char *text)
{
	unsigned int tgid, id = parse_task("process", text, &tgid);

	if (tgid != id) /* a thread */
		die("no such process: %u", id);
	add_id(list, id);
}

static void add_kind(const char *text)
{
	static const char *const names[] = { "exec", "exit", "deny" };

	for (enum kind kind = 0; kind < KINDS; kind++)
		if (!strcmp(text, names[kind])) {
			own.kinds[kind] = own.filter_kind = true;
			return;
		}
	die("bad event '%s': exec, exit or deny is needed", text);
}

static void add_rule(const char *text)
{
	const char *problem = rules_add(text);

	if (problem)
		die("bad rule '%s': %s", text, problem);
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	(void)state;
	switch (key) {
	case 'p':
		add_process(&env.pids, arg);
		break;
	case 'P':
		add_process(&own.ppids, arg);
		break;
	case 'c':
		if (!*arg)
			die("bad comm '': a name is needed");
		add_comm("process", arg);
		break;
	case 'e':
		add_kind(arg);
		break;
	case KEY_CONTAINER:
		own.containers = true;
		break;
	case KEY_DENY:
		add_rule(arg);
		break;
	case KEY_BTF:
		own.btf = arg;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

void parse_options(int argc, char **argv)
{
	parse_command_line(options, parse_option, doc, argc, argv);
}
