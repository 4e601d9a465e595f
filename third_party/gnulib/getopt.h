/* SPDX-License-Identifier: BSD-3-Clause */
/* What gnulib makes of getopt.in.h: its getopt, under names of its own beside those of the libc. */
#include_next <getopt.h>

#ifndef GNULIB_GETOPT_H
#define GNULIB_GETOPT_H
#define __GETOPT_PREFIX gnulib_
#ifndef __BEGIN_DECLS
#define __BEGIN_DECLS
#define __END_DECLS
#endif
#ifndef __THROW
#define __THROW
#endif
#include <getopt-pfx-core.h>
#include <getopt-pfx-ext.h>
#endif
