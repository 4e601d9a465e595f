// SPDX-License-Identifier: BSD-3-Clause
/* Parses a kernel release by the rules of parse_release() in btfhub/names.py. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime.h"

/* Not the classes of <ctype.h>, which depend on the locale. */
#define DIGITS "0123456789"
#define HEX_DIGITS DIGITS "abcdef"
#define ALPHANUMERICS HEX_DIGITS "ghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define LONGEST_NUMBER 9 /* digits */

static bool skip(const char **at, const char *word)
{
	size_t size = strlen(word);

	if (strncmp(*at, word, size))
		return false;
	*at += size;
	return true;
}

/* Reads all the digits at *at. Returns false if there are none, or too many. */
static bool read_number(const char **at, int32_t *number)
{
	size_t n = strspn(*at, DIGITS);

	*number = strtol(*at, NULL, 10);
	*at += n;
	return n > 0 && n <= LONGEST_NUMBER;
}

/*
 * Finds the first mark that is followed by at least `least` and at most `most` digits, which a
 * prefix may precede, and by no more letters or digits.
 */
static void find_part(const char *text, const char *mark, char prefix, const char *digits,
		      size_t least, size_t most, char *part)
{
	while ((text = strstr(text, mark))) {
		size_t before, n;

		text += strlen(mark);
		before = prefix && *text == prefix;
		n = strspn(text + before, digits);
		if (n < least || n > most || strspn(text + before + n, ALPHANUMERICS))
			continue;
		memcpy(part, text, before + n);
		part[before + n] = '\0';
		return;
	}
}

static bool is_text(const char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			return false;
	return true;
}

bool droidbpf_parse_release(const char *text, struct droidbpf_release *release)
{
	int32_t major, minor, android, kmi;
	const char *at = text, *after;

	memset(release, 0, sizeof(*release));
	release->kmi = -1;
	if (strlen(text) > RELEASE_LEN || !is_text(text))
		return false;
	memcpy(release->text, text, strlen(text));
	if (!read_number(&at, &major) || !skip(&at, ".") || !read_number(&at, &minor) ||
	    !skip(&at, ".") || !read_number(&at, &release->sublevel))
		return false;
	snprintf(release->version, sizeof(release->version), "%d.%d", major, minor);

	after = at;
	if (skip(&after, "-android") && read_number(&after, &android) && skip(&after, "-") &&
	    read_number(&after, &kmi) && !strspn(after, ALPHANUMERICS)) {
		at = after;
		release->android = android;
		release->kmi = android ? kmi : -1;
	}
	find_part(at, "-g", '\0', HEX_DIGITS, 7, 40, release->commit);
	find_part(at, "-ab", 'P', DIGITS, 1, 19, release->build); /* P: before submission */
	return true;
}
