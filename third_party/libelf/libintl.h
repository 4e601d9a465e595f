/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages stay in English: a static library on a phone has no catalogs. */
#define dgettext(domain, text) ((char *)(text))
