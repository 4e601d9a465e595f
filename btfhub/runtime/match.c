// SPDX-License-Identifier: BSD-3-Clause
/* Finds the embedded BTF that fits a kernel, by the rules of btfhub/match.py. */
#include <string.h>

#include "runtime.h"

#define SHORTEST_COMMIT 7

static bool same_commit(const char *a, const char *b)
{
	size_t n = strlen(a) < strlen(b) ? strlen(a) : strlen(b);

	return n >= SHORTEST_COMMIT && !strncmp(a, b, n);
}

static bool has_build(const char *builds, const char *build)
{
	size_t size = strlen(build);

	while (size) {
		size_t n = strcspn(builds, " ");

		if (n == size && !strncmp(builds, build, n))
			return true;
		if (!builds[n])
			break;
		builds += n + 1;
	}
	return false;
}

static enum droidbpf_rank rank_entry(const struct droidbpf_entry *entry,
				     const struct droidbpf_release *release)
{
	if (*entry->release && !strcmp(entry->release, release->text))
		return RANK_RELEASE;
	if (strcmp(entry->version, release->version))
		return RANK_NOTHING;
	if (same_commit(entry->commit, release->commit))
		return RANK_BUILD;
	if (!release->android || entry->android != release->android || entry->kmi != release->kmi)
		return RANK_NOTHING;
	if (has_build(entry->builds, release->build))
		return RANK_BUILD;
	if (entry->exact_only || entry->sublevel < 0 || entry->sublevel > release->sublevel)
		return RANK_NOTHING;
	return entry->sublevel == release->sublevel ? RANK_SUBLEVEL : RANK_OLDER;
}

/* Orders two entries that fit equally well. */
static bool goes_before(const struct droidbpf_entry *a, const struct droidbpf_entry *b)
{
	if (a->sublevel != b->sublevel)
		return a->sublevel > b->sublevel;
	if (!*a->release != !*b->release)
		return *a->release;
	if (a->month != b->month)
		return a->month > b->month;
	return strcmp(a->name, b->name) < 0;
}

const struct droidbpf_entry *droidbpf_best(const struct droidbpf_embedded *embedded,
					   const struct droidbpf_release *release,
					   enum droidbpf_rank *rank)
{
	const struct droidbpf_entry *best = NULL;

	*rank = RANK_NOTHING;
	for (unsigned int i = 0; i < embedded->n; i++) {
		const struct droidbpf_entry *entry = &embedded->entries[i];
		enum droidbpf_rank how = rank_entry(entry, release);

		if (how == RANK_NOTHING || how < *rank)
			continue;
		if (how > *rank || goes_before(entry, best)) {
			best = entry;
			*rank = how;
		}
	}
	return best;
}
