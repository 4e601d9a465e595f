// SPDX-License-Identifier: BSD-3-Clause
/* error() and error_at_line(): the same output as glibc's. */
#define _GNU_SOURCE
#include <errno.h>
#include <error.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void (*error_print_progname)(void);
unsigned int error_message_count;
int error_one_per_line;

static void print_progname(const char *separator)
{
	fflush(stdout);
	if (error_print_progname)
		error_print_progname();
	else
		fprintf(stderr, "%s:%s", program_invocation_name, separator);
}

static void print_message(int status, int errnum, const char *format, va_list args)
{
	vfprintf(stderr, format, args);
	error_message_count++;
	if (errnum)
		fprintf(stderr, ": %s", strerror(errnum));
	putc('\n', stderr);
	fflush(stderr);
	if (status)
		exit(status);
}

void error(int status, int errnum, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_progname(" ");
	print_message(status, errnum, format, args);
	va_end(args);
}

void error_at_line(int status, int errnum, const char *file, unsigned int line, const char *format,
		   ...)
{
	static const char *old_file;
	static unsigned int old_line;
	va_list args;

	if (error_one_per_line) {
		if (line == old_line &&
		    (file == old_file || (file && old_file && !strcmp(file, old_file))))
			return;
		old_file = file;
		old_line = line;
	}
	va_start(args, format);
	print_progname("");
	if (file)
		fprintf(stderr, "%s:%u: ", file, line);
	else
		putc(' ', stderr);
	print_message(status, errnum, format, args);
	va_end(args);
}
