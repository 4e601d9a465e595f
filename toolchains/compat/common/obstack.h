/* SPDX-License-Identifier: BSD-3-Clause */
/* gnulib's obstack for a libc without one. */
#ifndef COMPAT_OBSTACK_H
#define COMPAT_OBSTACK_H

#ifndef __attribute_pure__
#define __attribute_pure__ __attribute__((__pure__))
#endif

#include <gnulib/obstack.h>

#endif
