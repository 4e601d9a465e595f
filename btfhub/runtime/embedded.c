// SPDX-License-Identifier: BSD-3-Clause
/*
 * Unpacks what btfhub/embed.py packed, and finds the BTF that fits a kernel, by the rules of
 * btfhub/match.py.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "runtime.h"

#define SHORTEST_COMMIT 7

int droidbpf_unpack(const unsigned char *data, size_t size, struct droidbpf_embedded **embedded)
{
	uint32_t raw_size;
	uLongf inflated;
	int err;

	memcpy(&raw_size, data, sizeof(raw_size));
	*embedded = malloc(raw_size);
	if (!*embedded)
		return -ENOMEM;
	inflated = raw_size;
	data += sizeof(raw_size);
	err = uncompress((Bytef *)*embedded, &inflated, data, size - sizeof(raw_size));
	if (err == Z_OK && inflated == raw_size)
		return 0;
	free(*embedded);
	return err == Z_MEM_ERROR ? -ENOMEM : -EBADMSG;
}

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

const struct droidbpf_entry *droidbpf_best(const struct droidbpf_embedded *embedded,
					   const struct droidbpf_release *release,
					   enum droidbpf_rank *rank)
{
	const struct droidbpf_entry *best = NULL;

	*rank = RANK_NOTHING;
	for (uint32_t i = 0; i < embedded->n; i++) {
		const struct droidbpf_entry *entry = &embedded->entries[i];
		enum droidbpf_rank how = rank_entry(entry, release);

		if (how > *rank) {
			best = entry;
			*rank = how;
		}
	}
	return best;
}
