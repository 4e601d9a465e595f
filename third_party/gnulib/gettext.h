/* SPDX-License-Identifier: BSD-3-Clause */
/* No translations, but into the words of glibc, from which gnulib's argp differs in these. */
#include <stddef.h>
#include <string.h>

#define gettext(text) (text)
#define dgettext(domain, text) in_words_of_glibc(text)

static inline const char *in_words_of_glibc(const char *text)
{
	static const char *const words[][2] = {
		{ "give this help list", "Give this help list" },
		{ "give a short usage message", "Give a short usage message" },
		{ "set the program name", "Set the program name" },
		{ "hang for SECS seconds (default 3600)", "Hang for SECS seconds (default 3600)" },
		{ "print program version", "Print program version" },
		{ "Try '%s --help' or '%s --usage' for more information.\n",
		  "Try `%s --help' or `%s --usage' for more information.\n" },
	};

	for (size_t i = 0; text && i < sizeof(words) / sizeof(*words); i++)
		if (!strcmp(text, words[i][0]))
			return words[i][1];
	return text;
}
