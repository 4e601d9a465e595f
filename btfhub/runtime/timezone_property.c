// SPDX-License-Identifier: BSD-3-Clause
/*
 * Reads the name of the phone's time zone from the files in which Android's init keeps properties.
 * It searches the text instead of following the trie, and reads instead of mapping, so a damaged
 * file cannot crash the program.
 */
#ifndef __ANDROID__
#define _GNU_SOURCE /* memmem() */
#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "timezone.h"

#define PROPERTIES DROIDBPF_ROOT "/dev/__properties__"

/* bionic: libc/system_properties/include/system_properties/prop_area.h, prop_info.h */
#define AREA_SIZE (128 << 10)
#define VALUE_SIZE 92 /* of a property; its whole name follows, while the trie has parts of names */

/* Returns false if the file lacks the property. */
static bool read_property(int folder, const char *file, char *zone)
{
	static const char name[] = "\0persist.sys.timezone"; /* after the NUL of the value */
	int fd = openat(folder, file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	const char *value = NULL;
	char area[AREA_SIZE];
	ssize_t size;

	if (fd < 0)
		return false;
	size = read(fd, area, sizeof(area));
	close(fd);
	if (size > VALUE_SIZE)
		value = memmem(area + VALUE_SIZE, size - VALUE_SIZE, name, sizeof(name));
	if (!value)
		return false;
	value -= VALUE_SIZE - 1;
	if (!*value || strnlen(value, ZONE_LEN) == ZONE_LEN)
		return false;
	strcpy(zone, value);
	return true;
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
