// SPDX-License-Identifier: BSD-3-Clause
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "processes.h"
#include "proc_mon.h"

/* Adds a process. Kernel threads have no path. */
static int load(int map_fd, unsigned int tgid)
{
	char known[PATH_LEN], path[PATH_LEN] = {}, link[32];

	if (!bpf_map_lookup_elem(map_fd, &tgid, known) && *known)
		return 0; /* a BPF program has added it, with the path that exec was given */
	snprintf(link, sizeof(link), "/proc/%u/exe", tgid);
	if (readlink(link, path, sizeof(path) - 1) < 0)
		*path = '\0';
	return bpf_map_update_elem(map_fd, &tgid, path, BPF_ANY);
}

static int load_all(int map_fd, unsigned long long *lost)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	int err = 0;

	if (!proc)
		return -errno;
	while (!err && (entry = readdir(proc))) {
		unsigned int tgid = strtoul(entry->d_name, NULL, 10);

		err = tgid ? load(map_fd, tgid) : 0;
		if (err == -E2BIG) {
			(*lost)++;
			err = 0;
		}
	}
	closedir(proc);
	return err;
}

int processes_load(int map_fd, unsigned long long *lost)
{
	unsigned long long at_first = 0;

	/* Twice: the first pass may miss a child of a process that it has not reached yet. */
	return load_all(map_fd, &at_first) ?: load_all(map_fd, lost);
}
