// SPDX-License-Identifier: BSD-3-Clause
/*
 * Sets the phone's time zone. localtime() in glibc and musl knows only $TZ and /etc/localtime,
 * which Android lacks: it has the zone's name in a system property, and all zones' data in one
 * bundle. Before main(), this sets $TZ to the zone's POSIX rule from the bundle. localtime() does
 * the rest, in child processes too.
 *
 * A $TZ set by the user stays. Without a zone, or with a damaged one, times are UTC. Bionic's own
 * localtime() reads the bundle itself.
 */
#ifndef __ANDROID__
#define _GNU_SOURCE
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "timezone.h"

#define MODULE DROIDBPF_ROOT "/apex/com.android.tzdata/etc/tz"
#define ZONE_SIZE 16384 /* four times the largest */
#define RULE_SIZE 64
#define MAX_ZONES 4096
#define MAX_UTOFF (24 * 3600U) /* seconds: the limit of a POSIX rule */
#define NO_UTOFF INT32_MAX

/* bionic: libc/tzcode/bionic.cpp; numbers are big-endian */
struct bundle {
	char version[12]; /* "tzdata2025b" */
	uint32_t index, data, zonetab;
};

struct entry {
	char name[ZONE_LEN];
	uint32_t start, length, unused;
};

/* RFC 8536, section 3.1 */
enum { ISUTS, ISSTDS, LEAPS, TIMES, TYPES, CHARS, N_COUNTS };

struct tzif {
	char magic[4], version, reserved[15];
	uint32_t counts[N_COUNTS];
};

struct type {
	uint32_t utoff; /* seconds to the east */
	uint8_t isdst, desigidx;
} __attribute__((packed));

/* A static program contains these only if it uses local time. */
extern __typeof__(localtime_r) localtime_r __attribute__((weak));
extern __typeof__(tzset) tzset __attribute__((weak));

static bool read_at(int fd, void *to, size_t size, off_t at)
{
	return pread(fd, to, size, at) == (ssize_t)size;
}

/* Finds a zone in the index of a bundle; makes its start relative to the file. */
static bool find_entry(int fd, const char *zone, struct entry *entry)
{
	struct bundle bundle;
	struct entry entries[64];
	uint32_t at, end, i, n;

	if (!read_at(fd, &bundle, sizeof(bundle), 0) || memcmp(bundle.version, "tzdata", 6))
		return false;
	at = be32toh(bundle.index);
	end = be32toh(bundle.data);
	if (end < at || end - at > MAX_ZONES * sizeof(*entry))
		return false;
	for (; end - at >= sizeof(*entry); at += n * sizeof(*entry)) {
		n = (end - at) / sizeof(*entry);
		if (n > sizeof(entries) / sizeof(*entries))
			n = sizeof(entries) / sizeof(*entries);
		if (!read_at(fd, entries, n * sizeof(*entry), at))
			return false;
		for (i = 0; i < n; i++) {
			if (strncmp(entries[i].name, zone, ZONE_LEN))
				continue;
			entry->start = end + be32toh(entries[i].start);
			entry->length = be32toh(entries[i].length);
			return true;
		}
	}
	return false;
}

/* Reads a zone's data, in TZif. Returns its size, or 0 if this bundle lacks the zone. */
static size_t read_zone(const char *path, const char *zone, char *data)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct entry entry;
	bool found;

	if (fd < 0)
		return 0;
	found = find_entry(fd, zone, &entry) && entry.length <= ZONE_SIZE &&
		read_at(fd, data, entry.length, entry.start);
	close(fd);
	return found ? entry.length : 0;
}

/* Searches where bionic does, and did in earlier versions of Android. */
static size_t find_data(const char *zone, char *data)
{
	static const char *const places[] = {
		DROIDBPF_ROOT "/apex/com.android.runtime/etc/tz/tzdata", /* Android 10 */
		DROIDBPF_ROOT "/data/misc/zoneinfo/current/tzdata", /* updates of 8.1 and 9 */
		DROIDBPF_ROOT "/system/usr/share/zoneinfo/tzdata",
	};
	size_t i, size = read_zone(MODULE "/tzdata", zone, data); /* 10 and newer */
	char path[96];

	for (i = 8; !size && i < 24; i++) { /* 8 is Android 15's, 9 is 16's */
		snprintf(path, sizeof(path), MODULE "/versioned/%zu/tzdata", i);
		size = read_zone(path, zone, data);
	}
	for (i = 0; !size && i < sizeof(places) / sizeof(*places); i++)
		size = read_zone(places[i], zone, data);
	return size;
}

/*
 * Returns the size of one of TZif's two tables, including its header, or 0 if the table is damaged
 * or nothing follows it. time_size: bytes of a time, 4 in the first table and 8 in the second.
 */
static size_t read_head(const char *data, size_t size, uint64_t time_size, struct tzif *head)
{
	uint32_t *n = head->counts;
	uint64_t table;
	int i;

	if (size < sizeof(*head))
		return 0;
	memcpy(head, data, sizeof(*head));
	if (memcmp(head->magic, "TZif", 4))
		return 0;
	for (i = 0; i < N_COUNTS; i++)
		n[i] = be32toh(n[i]);
	table = sizeof(*head) + n[TIMES] * (time_size + 1) + n[LEAPS] * (time_size + 4) +
		(uint64_t)n[TYPES] * sizeof(struct type) + n[CHARS] + n[ISSTDS] + n[ISUTS];
	return table < size ? table : 0;
}

/*
 * Reads the rule for times after the last one in a zone's table and, if now is before that, the
 * table's offset for now, in seconds east. Returns false if there is no rule.
 */
static bool read_rule(const char *data, size_t size, int64_t now, char *rule, int32_t *utoff)
{
	struct tzif head;
	struct type type;
	uint64_t time;
	size_t length, table = read_head(data, size, 4, &head);
	uint32_t i, *n = head.counts;
	const char *text, *end, *types;

	*utoff = NO_UTOFF;
	if (!table)
		return false;
	data += table;
	size -= table;
	table = read_head(data, size, sizeof(time), &head);
	if (!table || data[table] != '\n')
		return false;
	text = data + table + 1;
	end = memchr(text, '\n', data + size - text);
	if (!end || end == text || end - text >= RULE_SIZE)
		return false;
	length = end - text;
	memcpy(rule, text, length);
	rule[length] = '\0';

	data += sizeof(head);
	types = data + n[TIMES] * sizeof(time);
	for (i = 0; i < n[TIMES]; i++) {
		memcpy(&time, data + i * sizeof(time), sizeof(time));
		if ((int64_t)be64toh(time) > now)
			break;
	}
	if (i == 0 || i == n[TIMES])
		return true;
	i = (uint8_t)types[i - 1];
	if (i < n[TYPES]) {
		memcpy(&type, types + n[TIMES] + i * sizeof(type), sizeof(type));
		*utoff = be32toh(type.utoff);
	}
	return true;
}

static void set(const char *rule)
{
	setenv("TZ", rule, 1);
	if (tzset) /* localtime_r() need not read $TZ again */
		tzset();
}

/*
 * A rule does not cover future changes that follow no rule, such as Morocco's in each Ramadan. If
 * the rule is wrong for now, use the current offset until the program ends.
 */
static void set_rule(char *rule, int32_t utoff, time_t now)
{
	unsigned int seconds = utoff < 0 ? 0U - utoff : 0U + utoff;
	unsigned int hours = seconds / 3600, minutes = seconds / 60 % 60;
	struct tm local;

	set(rule);
	if (!localtime_r || seconds > MAX_UTOFF || !localtime_r(&now, &local) ||
	    local.tm_gmtoff == utoff)
		return;
	snprintf(rule, RULE_SIZE, "<%c%02u%02u>%c%u:%02u:%02u", utoff < 0 ? '-' : '+', hours,
		 minutes, utoff < 0 ? '+' : '-', hours, minutes, seconds % 60);
	set(rule);
}

/*
 * Some television boxes use "GMT+08:00", which is in no bundle: Java's name for what POSIX calls
 * "GMT-08:00".
 */
static void set_java(char *zone)
{
	if (strncmp(zone, "GMT", 3) || (zone[3] != '+' && zone[3] != '-') ||
	    zone[4 + strspn(zone + 4, "0123456789:")])
		return;
	zone[3] ^= '+' ^ '-';
	set(zone);
}

/* Runs early, as constructors of C++ objects may use local time. */
__attribute__((constructor(101))) void droidbpf_timezone(void)
{
	char zone[ZONE_LEN], data[ZONE_SIZE], rule[RULE_SIZE];
	time_t now = time(NULL);
	int old_errno = errno;
	int32_t utoff;
	size_t size;

	/* A Linux distribution in a chroot on the phone has /etc/localtime. */
	if (!getenv("TZ") && access(DROIDBPF_ROOT "/etc/localtime", F_OK) &&
	    droidbpf_find_zone(zone)) {
		size = find_data(zone, data);
		if (!size)
			set_java(zone);
		else if (read_rule(data, size, now, rule, &utoff))
			set_rule(rule, utoff, now);
	}
	errno = old_errno;
}
#endif
