/* SPDX-License-Identifier: BSD-3-Clause */
/* What elfutils' configure would have found out: the same for glibc, musl and bionic. */
#define HAVE_ERR_H 1
#define HAVE_DECL_MEMPCPY 1
#define HAVE_DECL_MEMRCHR 1
#define HAVE_DECL_POWEROF2 1
#define HAVE_DECL_REALLOCARRAY 1
#define HAVE_MREMAP 1
#define HAVE_STDATOMIC_H 1
#define HAVE_FALLTHROUGH 1
#include <eu-config.h>
