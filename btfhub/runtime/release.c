// SPDX-License-Identifier: BSD-3-Clause
/* Parses a kernel release by the rules of parse_release() in btfhub/names.py. */
#include <stdio.h>
#include <string.h>

#include "runtime.h"

#define LONGEST_NUMBER 9 /* digits */
#define SHORTEST_COMMIT 7
#define LONGEST_COMMIT 40
#define LONGEST_BUILD 19

/* Not those of <ctype.h>, which depend on the locale. */
static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f');
}

static bool is_alphanumeric(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

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
	size_t n = 0;

	*number = 0;
	for (; is_digit((*at)[n]); n++) {
		if (n == LONGEST_NUMBER)
			return false;
		*number = *number * 10 + ((*at)[n] - '0');
	}
	*at += n;
	return n > 0;
}

/*
 * Finds the first "-<mark><digits>" with at least `least` and at most `most` digits that no letter
 * or digit follows.
 */
static void find_part(const char *text, const char *mark, bool hex, size_t least, size_t most,
		      char *part)
{
	for (; (text = strchr(text, '-')); text++) {
		const char *begin = text + 1;
		size_t n, digits = 0;

		if (!skip(&begin, mark))
			continue;
		n = !hex && *begin == 'P'; /* a build before submission */
		while (digits <= most && (hex ? is_hex(begin[n]) : is_digit(begin[n])))
			n++, digits++;
		if (digits < least || digits > most || is_alphanumeric(begin[n]))
			continue;
		memcpy(part, begin, n);
		part[n] = '\0';
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
	    read_number(&after, &kmi) && !is_alphanumeric(*after)) {
		at = after;
		release->android = android;
		release->kmi = android ? kmi : -1;
	}
	find_part(at, "g", true, SHORTEST_COMMIT, LONGEST_COMMIT, release->commit);
	find_part(at, "ab", false, 1, LONGEST_BUILD, release->build);
	return true;
}
