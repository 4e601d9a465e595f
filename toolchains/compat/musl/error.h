/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * glibc's error(), which musl lacks:
 * https://sourceware.org/glibc/manual/latest/html_node/Error-Messages.html
 */
#ifndef COMPAT_ERROR_H
#define COMPAT_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

/* If not NULL, it is called instead of printing the program's name and a colon. */
extern void (*error_print_progname)(void);
/* The number of messages printed. */
extern unsigned int error_message_count;
/* If not 0, error_at_line() prints only the first of successive messages for a line. */
extern int error_one_per_line;

/* Print "PROGRAM: MESSAGE[: TEXT OF ERRNUM]" to stderr; exit if status is not 0. */
void error(int status, int errnum, const char *format, ...)
	__attribute__((__format__(__printf__, 3, 4)));

/* The same, but starting with "PROGRAM:FILE:LINE: ". */
void error_at_line(int status, int errnum, const char *file, unsigned int line, const char *format,
		   ...) __attribute__((__format__(__printf__, 5, 6)));

#ifdef __cplusplus
}
#endif

#endif
