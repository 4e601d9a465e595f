/* SPDX-License-Identifier: BSD-3-Clause */
/* What the parts of libdroidbpf share; apps include droidbpf.h. */
#ifndef DROIDBPF_RUNTIME_H
#define DROIDBPF_RUNTIME_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RELEASE_LEN 64 /* bytes of `uname -r` at most: __NEW_UTS_LEN */

/* A kernel release, as btfhub/names.py takes it apart. */
struct droidbpf_release {
	char text[RELEASE_LEN + 1];
	char version[24]; /* "5.10" */
	int32_t sublevel;
	int32_t android; /* 0: no android part */
	int32_t kmi; /* -1: no android part */
	char commit[41];
	char build[21];
};

/* An embedded BTF, and what a kernel must have for it: Key of btfhub/match.py. */
struct droidbpf_entry {
	const char *name, *version, *commit, *release;
	const char *builds; /* one after the other, a space between two */
	uint32_t month;
	int32_t sublevel, android, kmi;
	bool exact_only;
	bool careful; /* see struct droidbpf_candidate */
	const unsigned char *btf;
	uint32_t btf_size;
};

/* What btfhub/embed.py packed. */
struct droidbpf_embedded {
	unsigned char *raw; /* the entries point into it */
	struct droidbpf_entry *entries;
	unsigned int n;
};

/* How well an entry fits, as in btfhub/match.py. */
enum droidbpf_rank { RANK_NOTHING, RANK_OLDER, RANK_SUBLEVEL, RANK_BUILD, RANK_RELEASE };

/* A file for libbpf that has no name in any folder. */
struct droidbpf_file {
	int fd;
	char path[32]; /* "" while it is not open */
};

/* Text that is told only if in the end there is a reason to. */
struct droidbpf_text {
	char text[4096];
	size_t size;
};

/* Gives false where the text is no kernel release. */
bool droidbpf_parse_release(const char *text, struct droidbpf_release *release);

/* Gives 0, -EBADMSG for damaged data, or -ENOMEM. Only after 0 there is something to free. */
int droidbpf_unpack(const unsigned char *data, size_t size, struct droidbpf_embedded *embedded);
void droidbpf_free(struct droidbpf_embedded *embedded);

enum droidbpf_rank droidbpf_rank(const struct droidbpf_entry *entry,
				 const struct droidbpf_release *release);

/* Gives the entry that fits best, NULL if none does. */
const struct droidbpf_entry *droidbpf_best(const struct droidbpf_embedded *embedded,
					   const struct droidbpf_release *release,
					   enum droidbpf_rank *rank);

/* Adds what is embedded to a text: branches with their months, and names. */
void droidbpf_summarize(const struct droidbpf_embedded *embedded, struct droidbpf_text *text);

/* Gives 0 or a negative errno. `folder`: the program's own, where it is to be when all else fails. */
int droidbpf_write_file(struct droidbpf_file *file, const void *data, size_t size,
			const char *folder);
void droidbpf_close_file(struct droidbpf_file *file);

/*
 * Tells by a small BPF program whether the BTF in a file is the running kernel's.
 *
 * 0: it is. PROBE_WRONG: it is not, `why` tells what it reads. Another negative errno: BPF programs
 * cannot be loaded at all, `why` tells the reason.
 *
 * static_prio: what comes of a BTF with task_struct.static_prio in a wrong place: like all near it
 * that is wrong in a BTF of a kernel built without the shadow call stack, and only there.
 */
#define PROBE_WRONG (-ESTALE)
enum droidbpf_care { CARE_NOT, CARE_WARN, CARE_REFUSE };
int droidbpf_probe(const char *path, enum droidbpf_care static_prio, bool verbose,
		   struct droidbpf_text *why);

void droidbpf_add(struct droidbpf_text *text, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
