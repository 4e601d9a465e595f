/* SPDX-License-Identifier: BSD-3-Clause */
/* What gnulib's configure would have found out: the same for musl, bionic and glibc. */
#define _GNU_SOURCE 1
#include <stdalign.h>
#include <stdbool.h>

/* Where errno.h does not declare them, toolchains/compat has them. */
extern char *program_invocation_name, *program_invocation_short_name;
#define HAVE_DECL_PROGRAM_INVOCATION_NAME 1
#define HAVE_DECL_PROGRAM_INVOCATION_SHORT_NAME 1
#define HAVE_FLOCKFILE 1
#define HAVE_FUNLOCKFILE 1
/* bionic has them from API level 28 on; argp holds the lock of the stream, anyway. */
#define HAVE_DECL_FPUTS_UNLOCKED 0
#define HAVE_DECL_FWRITE_UNLOCKED 0

#define _GL_INLINE_HEADER_BEGIN
#define _GL_INLINE_HEADER_END
#define _GL_INLINE inline
#define _GL_EXTERN_INLINE extern inline
#define _GL_UNUSED __attribute__((__unused__))
#define _GL_ATTRIBUTE_FORMAT(spec) __attribute__((__format__ spec))
#define _GL_ATTRIBUTE_SPEC_PRINTF_SYSTEM __printf__
#define _GL_ATTRIBUTE_PURE __attribute__((__pure__))
#define _GL_ATTRIBUTE_DEALLOC(function, argument)
#define _GL_ARG_NONNULL(arguments)
