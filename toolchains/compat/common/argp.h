/* SPDX-License-Identifier: BSD-3-Clause */
/* gnulib's argp for a libc without one, with what gnulib's config.h would define for its header. */
#ifndef COMPAT_ARGP_H
#define COMPAT_ARGP_H

#define _GL_INLINE_HEADER_BEGIN
#define _GL_INLINE_HEADER_END
#define _GL_INLINE extern inline __attribute__((__gnu_inline__))
#define _GL_ATTRIBUTE_FORMAT(spec) __attribute__((__format__ spec))
#define _GL_ATTRIBUTE_SPEC_PRINTF_SYSTEM __printf__

#include <gnulib/argp.h>

#undef _GL_INLINE_HEADER_BEGIN
#undef _GL_INLINE_HEADER_END
#undef _GL_INLINE
#undef _GL_ATTRIBUTE_FORMAT
#undef _GL_ATTRIBUTE_SPEC_PRINTF_SYSTEM

#endif
