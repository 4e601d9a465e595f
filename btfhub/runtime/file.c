// SPDX-License-Identifier: BSD-3-Clause
/*
 * Makes a file for libbpf, which takes BTF only from a path. Nobody else sees the file, and it goes
 * away with the program.
 */
#define _GNU_SOURCE /* O_TMPFILE */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime.h"

#define CLOEXEC 1U /* MFD_CLOEXEC, which old bionic lacks, as it does memfd_create() */

static int write_all(int fd, const char *data, size_t size)
{
	while (size) {
		ssize_t n = write(fd, data, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -ENOSPC;
		data += n;
		size -= n;
	}
	return 0;
}

void droidbpf_close_file(struct droidbpf_file *file)
{
	if (*file->path)
		close(file->fd);
	*file->path = '\0';
}

/* Writes to fd (-1: open failed) and verifies that its path can be opened. Takes over fd. */
static int finish(struct droidbpf_file *file, int fd, const void *data, size_t size)
{
	int err, again;

	if (fd < 0)
		return -errno;
	snprintf(file->path, sizeof(file->path), "/proc/self/fd/%d", fd);
	err = write_all(fd, data, size);
	if (!err) {
		again = open(file->path, O_RDONLY | O_CLOEXEC);
		err = again < 0 ? -errno : 0;
		if (again >= 0)
			close(again);
	}
	file->fd = fd;
	if (err)
		droidbpf_close_file(file);
	return err;
}

/* Opens a file that never has a name. */
static int open_in(const char *folder)
{
	if (folder && *folder)
		return open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	errno = ENOENT;
	return -1;
}

int droidbpf_write_file(struct droidbpf_file *file, const void *data, size_t size,
			const char *folder)
{
	int err = finish(file, syscall(SYS_memfd_create, "btf", CLOEXEC), data, size);

	if (err)
		err = finish(file, open_in(getenv("TMPDIR")), data, size);
	if (err)
		err = finish(file, open_in(folder), data, size);
	return err;
}
