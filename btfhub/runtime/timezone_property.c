// SPDX-License-Identifier: BSD-3-Clause
/*
 * Reads the name of the phone's time zone from the files in which Android's init keeps properties,
 * as bionic's __system_property_get() does. It reads instead of mapping, so a damaged file cannot
 * crash the program.
 */
#ifndef __ANDROID__
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>

#include "timezone.h"

#define PROPERTIES DROIDBPF_ROOT "/dev/__properties__"
#define MAX_SIBLINGS 4096

/* bionic: libc/system_properties/include/system_properties/prop_area.h, prop_info.h */
#define AREA_MAGIC 0x504f5250
#define AREA_VERSION 0xfc6ed0ab

struct area {
	uint32_t bytes_used, serial, magic, version, reserved[28];
};

struct node {
	uint32_t namelen, prop, left, right, children; /* offsets from the end of struct area */
	char name[8]; /* may be longer, but not those we look for */
};

struct info {
	uint32_t serial;
	char value[92];
	char name[sizeof("persist.sys.timezone")];
};

/* Moves from a node to its child with this name; the children form a binary tree. */
static bool find_child(int fd, struct node *node, const char *name)
{
	size_t len = strlen(name);
	uint32_t at = node->children;
	int n, order;

	for (n = 0; at && n < MAX_SIBLINGS; n++) {
		/* A short name may end the file before the node's size is read. */
		memset(node, 0, sizeof(*node));
		if (pread(fd, node, sizeof(*node), sizeof(struct area) + (off_t)at) <
		    (ssize_t)offsetof(struct node, name))
			return false;
		order = len < node->namelen ? -1 : len > node->namelen;
		if (!order)
			order = memcmp(name, node->name, len);
		if (!order)
			return true;
		at = order < 0 ? node->left : node->right;
	}
	return false;
}

/* Returns false if the file is not a property area or lacks the property. */
static bool read_property(int folder, const char *file, char *zone)
{
	struct area area;
	struct node node;
	struct info info;
	int fd = openat(folder, file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	bool found;

	if (fd < 0)
		return false;
	found = read_at(fd, &area, sizeof(area), 0) && area.magic == AREA_MAGIC &&
		area.version == AREA_VERSION && read_at(fd, &node, sizeof(node), sizeof(area)) &&
		find_child(fd, &node, "persist") && find_child(fd, &node, "sys") &&
		find_child(fd, &node, "timezone") && node.prop &&
		read_at(fd, &info, sizeof(info), sizeof(area) + (off_t)node.prop) &&
		!memcmp(info.name, "persist.sys.timezone", sizeof(info.name)) && *info.value &&
		strnlen(info.value, sizeof(info.value)) < ZONE_LEN;
	close(fd);
	if (found)
		strcpy(zone, info.value);
	return found;
}

/*
 * Up to Android 6 all properties are in one file, later in one per SELinux context. A vendor may
 * have moved ours to another context, so finally search them all.
 */
bool droidbpf_find_zone(char *zone)
{
	static const char contexts[][38] = {
		"u:object_r:timezone_prop:s0", /* Android 12 and newer */
		"u:object_r:exported_system_prop:s0", /* 9 to 11 */
		"u:object_r:system_prop:s0", /* 7 and 8 */
	};
	const struct dirent *file;
	bool found;
	size_t i;
	DIR *all;

	if (read_property(AT_FDCWD, PROPERTIES, zone))
		return true;
	all = opendir(PROPERTIES);
	if (!all)
		return false;
	found = false;
	for (i = 0; !found && i < sizeof(contexts) / sizeof(*contexts); i++)
		found = read_property(dirfd(all), contexts[i], zone);
	while (!found && (file = readdir(all)))
		found = read_property(dirfd(all), file->d_name, zone);
	closedir(all);
	return found;
}
#endif
