// SPDX-License-Identifier: BSD-3-Clause
/* Chooses the BTF for the running kernel and reports the choice; see droidbpf.h. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "btf_helpers.h"
#include "droidbpf.h"
#include "runtime.h"

#define KERNEL_BTF "/sys/kernel/btf/vmlinux"
#define CLOEXEC 1U /* MFD_CLOEXEC, which old bionic lacks, as it does memfd_create() */

/* Defined by the C file that btfhub/embed.py writes, if the app has one. */
extern const unsigned char droidbpf_btfs[] __attribute__((weak));
extern const unsigned int droidbpf_btfs_size __attribute__((weak));

struct search {
	bool verbose;
	struct utsname kernel;
	char program[NAME_MAX + 1];
	char folder[PATH_MAX]; /* that contains the program */
	struct droidbpf_text tried; /* a line for each source without a usable BTF */
	int err;
};

/* What the path of the last droidbpf_btf_path() refers to. */
static char btf_path[PATH_MAX + RELEASE_LEN + sizeof("/.btf")];
static int memfd = -1;

static void begin(struct search *search, bool verbose)
{
	ssize_t size = readlink("/proc/self/exe", search->folder, sizeof(search->folder) - 1);
	char *slash;

	search->verbose = verbose;
	search->err = -ENOENT;
	uname(&search->kernel);
	search->folder[size > 0 ? size : 0] = '\0';
	slash = strrchr(search->folder, '/');
	snprintf(search->program, sizeof(search->program), "%s", slash ? slash + 1 : "droidbpf");
	if (slash)
		*slash = '\0';
}

/*
 * Returns 0 if the path is a regular file that can be opened, else a negative errno. Reading a pipe
 * could block; bionic's access() and faccessat() do not check what open() does.
 */
static int check_readable(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC), err = 0;
	struct stat file;

	if (fd < 0 || fstat(fd, &file))
		err = -errno;
	else if (!S_ISREG(file.st_mode))
		err = S_ISDIR(file.st_mode) ? -EISDIR : -ESPIPE;
	if (fd >= 0)
		close(fd);
	return err;
}

/* Prints each line of what was tried after prefix and indent. */
static void print_tried(const struct search *search, const char *prefix, const char *indent)
{
	const char *line = search->tried.text;

	while (*line) {
		int size = strcspn(line, "\n");

		fprintf(stderr, "%s:%s%.*s\n", prefix, indent, size, line);
		line += size + (line[size] == '\n'); /* the last line may be truncated */
	}
}

/* Returns 0 if the BTF at the path is the kernel's; otherwise adds a line to search->tried. */
static int try_path(struct search *search, const char *path, enum droidbpf_care care,
		    const char *source)
{
	struct droidbpf_text why = {};
	int err = droidbpf_probe(path, care, search->verbose, &why);

	if (!err) {
		if (why.size)
			fprintf(stderr, "%s: warning: %s: %s\n", search->program, source, why.text);
		if (search->verbose) {
			print_tried(search, "btf", " ");
			fprintf(stderr, "btf: %s; probe passed\n", source);
		}
		return 0;
	}
	search->err = err == PROBE_WRONG ? -EINVAL : err;
	droidbpf_add(&search->tried, "%s: %s\n", source, why.text);
	if (err != PROBE_WRONG) /* another BTF would not help */
		fprintf(stderr, "%s: error: %s\n", search->program, why.text);
	return err;
}

static int try_named(struct search *search, const char *named, const char *option)
{
	struct droidbpf_text source = {};
	int err = check_readable(named);

	droidbpf_add(&source, "%s (%s)", named, option);
	if (err) {
		fprintf(stderr, "%s: error: %s: %s\n", search->program, source.text,
			strerror(-err));
		return err;
	}
	err = try_path(search, named, CARE_WARN, source.text);
	if (err == PROBE_WRONG)
		fprintf(stderr,
			"%s: error: %s"
			"%s: hint: `./dev btfhub resolve %s` shows which BTF fits this kernel\n",
			search->program, search->tried.text, search->program,
			search->kernel.release);
	return err ? search->err : 0;
}

static void describe_fit(const struct droidbpf_entry *entry, enum droidbpf_rank rank,
			 const struct droidbpf_release *release, struct droidbpf_text *text)
{
	droidbpf_add(text, "%s (embedded)", entry->name);
	if (rank == RANK_RELEASE)
		droidbpf_add(text, ", made for this exact release");
	else if (rank == RANK_BUILD && entry->commit[0])
		droidbpf_add(text, ", commit %s", release->commit);
	else if (rank == RANK_BUILD)
		droidbpf_add(text, ", build %s of android%d-%s", release->build, release->android,
			     release->version);
	else
		droidbpf_add(text, ", sublevel %d of android%d-%s, KMI %d", entry->sublevel,
			     release->android, release->version, release->kmi);
	if (rank == RANK_OLDER)
		droidbpf_add(text, ", the nearest before %d", release->sublevel);
}

/* libbpf takes BTF only from a path. Nobody else sees this file; it goes away with the program. */
static int write_memfd(const void *data, size_t size)
{
	ssize_t n = -1;

	memfd = syscall(SYS_memfd_create, "btf", CLOEXEC);
	if (memfd >= 0)
		n = write(memfd, data, size);
	if (n != (ssize_t)size)
		return n < 0 ? -errno : -ENOSPC; /* part of it: memory or RLIMIT_FSIZE */
	snprintf(btf_path, sizeof(btf_path), "/proc/self/fd/%d", memfd);
	return check_readable(btf_path);
}

static int try_entry(struct search *search, const struct droidbpf_embedded *embedded,
		     const struct droidbpf_entry *entry, const char *source)
{
	int err = write_memfd((const char *)embedded + entry->btf, entry->btf_size);

	if (err) {
		droidbpf_add(&search->tried, "%s: cannot write it to a file: %s\n", source,
			     strerror(-err));
		return PROBE_WRONG;
	}
	return try_path(search, btf_path, entry->careful ? CARE_REFUSE : CARE_NOT, source);
}

/* Returns 0, PROBE_WRONG if another source may help, or another negative errno. */
static int try_embedded(struct search *search)
{
	struct droidbpf_embedded *embedded;
	struct droidbpf_release release;
	struct droidbpf_text source = {};
	const struct droidbpf_entry *best = NULL;
	enum droidbpf_rank rank;
	int err;

	if (!&droidbpf_btfs_size) {
		droidbpf_add(&search->tried, "no BTF is embedded in the program\n");
		return PROBE_WRONG;
	}
	err = droidbpf_unpack(droidbpf_btfs, droidbpf_btfs_size, &embedded);
	if (err) {
		droidbpf_add(&search->tried, "the BTFs embedded in the program: %s\n",
			     err == -EBADMSG ? "they are damaged" : strerror(-err));
		return PROBE_WRONG;
	}
	if (droidbpf_parse_release(search->kernel.release, &release))
		best = droidbpf_best(embedded, &release, &rank);
	if (best) {
		describe_fit(best, rank, &release, &source);
		err = try_entry(search, embedded, best, source.text);
	} else {
		err = PROBE_WRONG;
	}
	if (err == PROBE_WRONG && (!best || embedded->n > 1))
		droidbpf_add(&search->tried, "embedded%s: %s\n", best ? "" : ", none fits",
			     (const char *)&embedded->entries[embedded->n]);
	free(embedded);
	return err;
}

static int try_beside(struct search *search)
{
	struct droidbpf_text source = {};
	int err;

	snprintf(btf_path, sizeof(btf_path), "%s/%s.btf", search->folder, search->kernel.release);
	err = check_readable(btf_path);
	droidbpf_add(&source, "%s (beside the program)", btf_path);
	if (!err)
		return try_path(search, btf_path, CARE_WARN, source.text);
	droidbpf_add(&search->tried, "%s: %s\n", btf_path, strerror(-err));
	return PROBE_WRONG;
}

static void refuse(const struct search *search)
{
	const char *release = search->kernel.release;

	fprintf(stderr, "%s: error: kernel %s has no BTF, and none that fits was found\n",
		search->program, release);
	print_tried(search, search->program, "   ");
	fprintf(stderr,
		"%s: hint: `./dev btfhub resolve %s` shows which BTF fits: build with "
		"kernels=NAME, or name its file with --btf or $DROIDBPF_BTF\n",
		search->program, release);
}

/* Finds a BTF for a kernel that provides none. */
static int search_btf(struct search *search)
{
	int err = try_embedded(search);

	if (err)
		droidbpf_btf_done();
	if (err == PROBE_WRONG)
		err = try_beside(search);
	if (err == PROBE_WRONG)
		refuse(search);
	return err ? search->err : 0;
}

int droidbpf_btf_path(const char **path, const char *named, bool verbose)
{
	const char *variable = getenv("DROIDBPF_BTF");
	struct search search = {};
	int err;

	droidbpf_btf_done();
	*path = NULL;
	begin(&search, verbose);
	if (named || (variable && *variable)) {
		err = try_named(&search, named ?: variable, named ? "--btf" : "$DROIDBPF_BTF");
		*path = err ? NULL : named ?: variable;
		return err;
	}
	err = check_readable(KERNEL_BTF);
	if (!err && verbose)
		fprintf(stderr, "btf: %s, the kernel's own\n", KERNEL_BTF);
	if (!err)
		return 0;
	if (err == -EMFILE || err == -ENFILE || err == -ENOMEM) { /* it may well exist */
		fprintf(stderr, "%s: error: %s: %s\n", search.program, KERNEL_BTF, strerror(-err));
		return err;
	}
	err = search_btf(&search);
	*path = err ? NULL : btf_path;
	return err;
}

void droidbpf_btf_done(void)
{
	if (memfd >= 0)
		close(memfd);
	memfd = -1;
}

int ensure_core_btf(struct bpf_object_open_opts *opts)
{
	const char *path;
	int err = droidbpf_btf_path(&path, NULL, false);

	if (!err && path)
		opts->btf_custom_path = path;
	return err;
}

void cleanup_core_btf(struct bpf_object_open_opts *opts)
{
	(void)opts;
	droidbpf_btf_done();
}
