// SPDX-License-Identifier: BSD-3-Clause
/* Summarizes what is embedded. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "runtime.h"

#define MOST_NAMES 6

void droidbpf_add(struct droidbpf_text *text, const char *format, ...)
{
	size_t left = sizeof(text->text) - text->size;
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text->text + text->size, left, format, args);
	va_end(args);
	if (n > 0)
		text->size += (size_t)n < left ? (size_t)n : left - 1;
}

/* Returns whether both are hub files of one branch; those named by a release stand alone. */
static bool is_of(const struct droidbpf_entry *entry, const struct droidbpf_entry *other)
{
	return entry->android && entry->android == other->android && !*entry->release &&
	       !*other->release && !strcmp(entry->version, other->version);
}

static bool is_first(const struct droidbpf_embedded *embedded, unsigned int index)
{
	for (unsigned int i = 0; i < index; i++)
		if (is_of(&embedded->entries[i], &embedded->entries[index]))
			return false;
	return true;
}

/* "android12-5.10 2021-09..2023-04" */
static void add_branch(const struct droidbpf_embedded *embedded, const struct droidbpf_entry *one,
		       struct droidbpf_text *text)
{
	uint32_t first = UINT32_MAX, last = 0;

	for (unsigned int i = 0; i < embedded->n; i++) {
		const struct droidbpf_entry *entry = &embedded->entries[i];

		/* Only the tip of a branch has no month. */
		if (!is_of(entry, one) || !entry->month)
			continue;
		first = entry->month < first ? entry->month : first;
		last = entry->month > last ? entry->month : last;
	}
	droidbpf_add(text, "android%d-%s", one->android, one->version);
	if (last)
		droidbpf_add(text, " %04u-%02u", first / 100, first % 100);
	if (last > first)
		droidbpf_add(text, "..%04u-%02u", last / 100, last % 100);
}

void droidbpf_summarize(const struct droidbpf_embedded *embedded, struct droidbpf_text *text)
{
	const bool grouped = embedded->n > MOST_NAMES;
	const char *comma = "";
	unsigned int names = 0, left = 0;

	for (unsigned int i = 0; i < embedded->n; i++) {
		const struct droidbpf_entry *entry = &embedded->entries[i];

		if (grouped && is_of(entry, entry)) {
			if (!is_first(embedded, i))
				continue;
			droidbpf_add(text, "%s", comma);
			add_branch(embedded, entry, text);
		} else if (names++ < MOST_NAMES) {
			droidbpf_add(text, "%s%s", comma, entry->name);
		} else {
			left++;
			continue;
		}
		comma = ", ";
	}
	if (left)
		droidbpf_add(text, " and %u more", left);
}
