// SPDX-License-Identifier: BSD-3-Clause
/* Uses all of error.h: the output must be the same with every implementation. */
#define _GNU_SOURCE
#include <errno.h>
#include <error.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void say_who(void)
{
	fprintf(stderr, "who? ");
}

int main(int argc, char **argv)
{
	char copy[] = "a.c";

	printf("before, in a buffer; ");
	error(0, 0, "plain");
	error(0, ENOENT, "%s and %d", "formatted", 7);
	error_at_line(0, 0, "a.c", 3, "the same line is printed twice");
	error_at_line(0, EPERM, "a.c", 3, "the same line is printed twice");
	error_at_line(0, 0, NULL, 3, "of no file");
	error_one_per_line = 1;
	error_at_line(0, 0, "a.c", 4, "printed");
	error_at_line(0, 0, copy, 4, "not printed");
	error_at_line(0, 0, "b.c", 4, "printed");
	error_at_line(0, 0, NULL, 4, "printed");
	error_at_line(0, 0, NULL, 4, "not printed");
	error_print_progname = say_who;
	error(0, 0, "by a name of its own");
	error_at_line(0, 0, "a.c", 5, "by a name of its own");
	fprintf(stderr, "%u messages, program %s\n", error_message_count,
		program_invocation_short_name);
	if (argc > 1)
		error(atoi(argv[1]), EINTR, "the end");
	printf("not reached with a status\n");
	return 0;
}
