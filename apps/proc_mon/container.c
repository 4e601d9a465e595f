// SPDX-License-Identifier: BSD-3-Clause
#include <string.h>

#include "container.h"
#include "proc_mon.h"

/*
 * The last path component that ends with a full ID names the container:
 *	docker-ID.scope, cri-containerd-ID.scope, libpod-ID.scope, crio-ID.scope	(systemd)
 *	ID below docker, kubepods, libpod_parent …	(cgroupfs)
 *	SLICE:docker:ID, SLICE:cri-containerd:ID	(a slice's name taken for a path)
 * conmon monitors a container from outside, so libpod-conmon-ID.scope does not count. LXC uses
 * names: lxc/NAME, lxc.payload/NAME and lxc.payload.NAME. So does systemd-nspawn:
 * systemd-nspawn@NAME.service/payload and machine-NAME.scope/payload. Android has none of these:
 * its processes belong to the host.
 */
#define HEX "0123456789abcdef"

bool container_is_id(const char *text)
{
	size_t len = strlen(text);

	return len >= SHORT_ID_LEN && len <= CONTAINER_ID_LEN && strspn(text, HEX) == len;
}

static bool ends_with(const char *text, size_t len, const char *end)
{
	size_t n = strlen(end);

	return len >= n && !memcmp(text + len - n, end, n);
}

static const char *find_id(const char *name, size_t len)
{
	const char *id;

	if (ends_with(name, len, ".scope"))
		len -= strlen(".scope");
	if (len < CONTAINER_ID_LEN)
		return NULL;
	id = name + len - CONTAINER_ID_LEN;
	if (strspn(id, HEX) < CONTAINER_ID_LEN)
		return NULL;
	if (id > name && id[-1] != '-' && id[-1] != ':')
		return NULL;
	return ends_with(name, id - name, "conmon-") ? NULL : id;
}

static const char *find_lxc(const char *name, size_t len, const char *above, size_t above_len)
{
	static const char payload[] = "lxc.payload";
	size_t n = strlen(payload);

	if (len > n + 1 && !memcmp(name, "lxc.payload.", n + 1))
		return name + n + 1;
	if ((above_len == 3 && !memcmp(above, "lxc", 3)) ||
	    (above_len == n && !memcmp(above, payload, n)))
		return name;
	return NULL;
}

static const char *find_nspawn(const char *name, size_t len, const char *above, size_t *above_len)
{
	static const char *const around[][2] = {
		{ "systemd-nspawn@", ".service" },
		{ "machine-", ".scope" },
	};

	if (len != strlen("payload") || memcmp(name, "payload", len))
		return NULL;
	for (size_t i = 0; i < sizeof(around) / sizeof(*around); i++) {
		size_t begin = strlen(around[i][0]), end = strlen(around[i][1]);

		if (*above_len > begin + end && !memcmp(above, around[i][0], begin) &&
		    ends_with(above, *above_len, around[i][1])) {
			*above_len -= begin + end;
			return above + begin;
		}
	}
	return NULL;
}

const char *container_find(const char *cgroup, size_t *id_len)
{
	const char *above = "", *found = NULL;
	size_t above_len = 0;

	for (const char *name = cgroup; *name; name += strspn(name, "/")) {
		size_t len = strcspn(name, "/");
		const char *id = find_id(name, len);

		if (id)
			*id_len = CONTAINER_ID_LEN;
		else if ((id = find_lxc(name, len, above, above_len)))
			*id_len = name + len - id;
		else if ((id = find_nspawn(name, len, above, &above_len)))
			*id_len = above_len;
		if (id && *id_len)
			found = id;
		above = name;
		above_len = len;
		name += len;
	}
	return found;
}
