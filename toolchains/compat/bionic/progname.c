// SPDX-License-Identifier: BSD-3-Clause
/* The program's names, as glibc sets them before main(). */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>

char *program_invocation_name = "";
char *program_invocation_short_name = "";

/* bionic and glibc pass main()'s arguments to constructors. */
__attribute__((__constructor__)) static void set_names(int argc, char **argv)
{
	char *slash;

	if (argc < 1)
		return;
	slash = strrchr(argv[0], '/');
	program_invocation_name = argv[0];
	program_invocation_short_name = slash ? slash + 1 : argv[0];
}
