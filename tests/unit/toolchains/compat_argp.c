// SPDX-License-Identifier: BSD-3-Clause
/* Uses all of argp: the output must be the same with every implementation. */
#define _GNU_SOURCE
#include <argp.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *argp_program_version = "compat 1.0";
const char *argp_program_bug_address = "<bugs@example.invalid>";

enum { KEY_LIMIT = 0x100, KEY_SECRET, KEY_FAIL, KEY_CHILD, KEY_INPUT };

static const struct argp_option child_options[] = {
	{ "child", KEY_CHILD, "N", 0, "Of the child parser" },
	{ "Zoo", 'Z', NULL, 0, "Sorted without regard to case" },
	{},
};

static error_t parse_child(int key, char *arg, struct argp_state *state)
{
	if (key == ARGP_KEY_INIT)
		printf("child init\n");
	else if (key == KEY_CHILD)
		printf("child %s\n", arg);
	else if (key == 'Z')
		printf("zoo\n");
	else
		return ARGP_ERR_UNKNOWN;
	(void)state;
	return 0;
}

static const struct argp child = { child_options, parse_child, NULL, "What the child says." };
static const struct argp_child children[] = { { &child, 0, "Of a child:", 7 }, {} };

static const struct argp_option options[] = {
	{ "pid", 'p', "PID", 0,
	  "Trace this process only, and none of the others that run beside it" },
	{ "tid", 't', "TID", 0, "Trace this thread only" },
	{ "thread", 0, NULL, OPTION_ALIAS },
	{ "verbose", 'v', NULL, 0, "Say more" },
	{ "version-of", 'o', "WHAT", OPTION_ARG_OPTIONAL, "An argument that may be left out" },
	{ "a-name-that-is-too-long-for-its-column", 'l', "LONG_ARGUMENT", 0,
	  "Text on a line of its own" },
	{ "secret", KEY_SECRET, NULL, OPTION_HIDDEN, "Not shown" },
	{ "unused", 'u', NULL, OPTION_NO_USAGE, "Not in the usage" },
	{ NULL, 0, NULL, 0, "A group of its own:", 4 },
	{ "limit", KEY_LIMIT, "US", 0, "Without a short name" },
	{ "fail", KEY_FAIL, "HOW", 0, "Fail" },
	{ NULL, 's', NULL, 0, "Without a long name" },
	{ "FILE", 0, NULL, OPTION_DOC, "Documentation alone" },
	{ "filtered", 'f', NULL, 0, "A text that is filtered" },
	{},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case KEY_FAIL:
		if (!strcmp(arg, "error"))
			argp_error(state, "a message of %d words", 4);
		else if (!strcmp(arg, "failure"))
			argp_failure(state, 3, ENOENT, "cannot open %s", "a file");
		else if (!strcmp(arg, "warning"))
			argp_failure(state, 0, 0, "only reported");
		else if (!strcmp(arg, "usage"))
			argp_usage(state);
		else
			return EINVAL;
		break;
	case ARGP_KEY_ARG:
		if (state->arg_num >= 2)
			return ARGP_ERR_UNKNOWN;
		printf("argument %u %s\n", state->arg_num, arg);
		break;
	case ARGP_KEY_NO_ARGS:
		printf("no arguments\n");
		break;
	case ARGP_KEY_INIT:
	case ARGP_KEY_END:
	case ARGP_KEY_SUCCESS:
	case ARGP_KEY_ERROR:
	case ARGP_KEY_FINI:
		printf("key %#x next %d of %d\n", key, state->next, state->argc);
		if (key == ARGP_KEY_INIT)
			state->child_inputs[0] = NULL;
		break;
	default:
		if (key >= 0x1000)
			return ARGP_ERR_UNKNOWN;
		printf("option %#x %s\n", key, arg ? arg : "-");
	}
	return 0;
}

static char *filter(int key, const char *text, void *input)
{
	(void)input;
	if (key == 'f')
		return strdup("What the filter made of it");
	if (key == ARGP_KEY_HELP_EXTRA)
		return strdup("Extra text, after all else.");
	return (char *)text;
}

static const struct argp argp = {
	options,
	parse,
	"[FILE [MORE]]\nlist",
	"Show what argp does.\n\n"
	"USAGE: compat [--help] and a line that is long enough to be broken into two of them\v"
	"Examples:\n"
	"    compat -p 185    # trace PID 185 only",
	children,
	filter,
};

int main(int argc, char **argv)
{
	const char *named = getenv("COMPAT_FLAGS");
	unsigned int flags = named ? strtoul(named, NULL, 0) : 0;
	int index = -1, error;

	setvbuf(stdout, NULL, _IONBF, 0);
	error = argp_parse(&argp, argc, argv, flags, &index, NULL);
	printf("result %s index %d\n", error ? strerror(error) : "-", index);
	printf("names %s %s\n", program_invocation_name, program_invocation_short_name);
	if (getenv("COMPAT_HELP"))
		argp_help(&argp, stdout, strtoul(getenv("COMPAT_HELP"), NULL, 0), "a-name");
	for (int i = 0; i < argc; i++)
		printf("%s%c", argv[i], i + 1 < argc ? ' ' : '\n');
	return error ? 5 : 0;
}
