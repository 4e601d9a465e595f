/* SPDX-License-Identifier: BSD-3-Clause */
/* Shared by the parts of libdroidbpf; apps include droidbpf.h. */
#ifndef DROIDBPF_RUNTIME_H
#define DROIDBPF_RUNTIME_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RELEASE_LEN 64 /* maximum length of `uname -r`: __NEW_UTS_LEN */

/* A kernel release, as btfhub/names.py parses it. */
struct droidbpf_release {
	char text[RELEASE_LEN + 1];
	char version[24]; /* "5.10" */
	int32_t sublevel;
	int32_t android; /* 0: no android part */
	int32_t kmi; /* -1: no android part */
	char commit[41];
	char build[21];
};

/* An embedded BTF and the kernels it fits: Key in btfhub/match.py. */
struct droidbpf_entry {
	int32_t sublevel, android, kmi;
	uint32_t btf, btf_size; /* bytes from the start of struct droidbpf_embedded, and its size */
	bool exact_only;
	bool careful; /* refuse it if static_prio is misplaced: CARE_REFUSE */
	char name[80];
	char builds[64]; /* separated by spaces */
	char version[24], commit[41], release[RELEASE_LEN + 1];
};

/*
 * What btfhub/embed.py packed. Of entries that fit equally well, the first is the best. A summary
 * of the entries follows them, then the BTFs.
 */
struct droidbpf_embedded {
	uint32_t n;
	struct droidbpf_entry entries[];
};

/* How well an entry fits, as in btfhub/match.py. */
enum droidbpf_rank { RANK_NOTHING, RANK_OLDER, RANK_SUBLEVEL, RANK_BUILD, RANK_RELEASE };

/* Text that may be printed later; what does not fit is dropped. */
struct droidbpf_text {
	char text[4096];
	size_t size;
};

/* Returns false if the text is not a kernel release. */
bool droidbpf_parse_release(const char *text, struct droidbpf_release *release);

/* Returns 0, -EBADMSG for damaged data, or -ENOMEM. Call free() only after 0. */
int droidbpf_unpack(const unsigned char *data, size_t size, struct droidbpf_embedded **embedded);

/* Returns the entry that fits best, or NULL if none does. */
const struct droidbpf_entry *droidbpf_best(const struct droidbpf_embedded *embedded,
					   const struct droidbpf_release *release,
					   enum droidbpf_rank *rank);

/*
 * Checks by a small BPF program whether the BTF in a file is the running kernel's.
 *
 * Returns 0 if it is; PROBE_WRONG if it is not, with what was read in `why`; another negative errno
 * if BPF programs cannot be loaded at all, with the reason in `why`.
 *
 * static_prio: what to do if task_struct.static_prio is misplaced. A BTF from a kernel built
 * without the shadow call stack misplaces it and the fields near it, and nothing else.
 */
#define PROBE_WRONG (-ESTALE)
enum droidbpf_care { CARE_NOT, CARE_WARN, CARE_REFUSE };
int droidbpf_probe(const char *path, enum droidbpf_care static_prio, bool verbose,
		   struct droidbpf_text *why);

void droidbpf_add(struct droidbpf_text *text, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
