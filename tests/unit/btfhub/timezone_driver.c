// SPDX-License-Identifier: BSD-3-Clause
/*
 * Runs btfhub/runtime/timezone.c on this machine, for a phone whose files are in this folder:
 *
 *	show		$TZ as it was set before main()
 *	now		for each zone and time on stdin: $TZ, and its offset in seconds east
 *	fuzz FILE USED SEED N	sets the zone N times, the first USED bytes of FILE damaged;
 *				prints how often a zone was found
 *	fuzz_zone FILE SEED N	the same with a zone's data
 */
#include "timezone.c"
#include "timezone_property.c"

#define MAX_FILE (1 << 20)

static uint32_t state;

static uint32_t number(uint32_t below)
{
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state % below;
}

static char good[MAX_FILE], bad[MAX_FILE];

/* Reads the file into `good` and returns its size. */
static size_t read_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	size_t size;

	if (!file)
		exit(3);
	size = fread(good, 1, sizeof(good), file);
	fclose(file);
	return size;
}

/* Damages bits, bytes, and numbers that may be offsets. Returns the new size. */
static size_t damage(char *data, size_t size, size_t used)
{
	uint32_t words[] = { 0, 1, 24, 128, ~0U, INT32_MAX, 1U << 31, number(size), number(64) };
	uint32_t word, n = 1 + number(4);
	size_t at;

	while (n--) {
		at = number(used);
		switch (number(4)) {
		case 0:
			data[at] ^= 1 << number(8);
			break;
		case 1:
			data[at] = number(256);
			break;
		default:
			word = words[number(sizeof(words) / sizeof(*words))];
			if (number(2))
				word = htobe32(word);
			if (at + 4 <= size)
				memcpy(data + (at & ~3UL), &word, sizeof(word));
		}
	}
	return number(8) ? size : number(used);
}

static void show(void)
{
	const char *zone = getenv("TZ");

	puts(zone ? zone : "(none)");
}

static void now(void)
{
	char zone[ZONE_LEN], data[ZONE_SIZE], rule[RULE_SIZE] = "(none)";
	long long time;
	struct tm local;
	int32_t utoff;
	size_t size;
	time_t at;

	while (scanf("%39s %lld", zone, &time) == 2) {
		unsetenv("TZ");
		at = time;
		size = find_data(zone, data);
		if (read_rule(data, size, at, rule, &utoff))
			set_rule(rule, utoff, at);
		printf("%s %ld\n", rule, localtime_r(&at, &local) ? local.tm_gmtoff : -1);
	}
}

static void fuzz(const char *path, size_t used, unsigned int n)
{
	size_t size = read_file(path), left;
	int fd = open(path, O_WRONLY);
	unsigned int found = 0;

	while (n--) {
		memcpy(bad, good, size);
		left = damage(bad, size, used);
		if (pwrite(fd, bad, left, 0) != (ssize_t)left || ftruncate(fd, left))
			exit(3);
		unsetenv("TZ");
		droidbpf_timezone();
		found += getenv("TZ") != NULL;
	}
	close(fd);
	printf("%u\n", found);
}

static void fuzz_zone(const char *path, unsigned int n)
{
	size_t size = read_file(path), left;
	char *exact, rule[RULE_SIZE];
	unsigned int found = 0;
	int32_t utoff;

	while (n--) {
		memcpy(bad, good, size);
		left = damage(bad, size, size);
		exact = malloc(left ? left : 1); /* exactly sized for the sanitizer */
		memcpy(exact, bad, left);
		if (read_rule(exact, left, number(INT32_MAX), rule, &utoff)) {
			found++;
			set_rule(rule, utoff, 0);
		}
		unsetenv("TZ");
		free(exact);
	}
	printf("%u\n", found);
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "show")) {
		show();
	} else if (argc == 2 && !strcmp(argv[1], "now")) {
		now();
	} else if (argc == 6 && !strcmp(argv[1], "fuzz")) {
		state = atoi(argv[4]);
		fuzz(argv[2], atoi(argv[3]), atoi(argv[5]));
	} else if (argc == 5 && !strcmp(argv[1], "fuzz_zone")) {
		state = atoi(argv[3]);
		fuzz_zone(argv[2], atoi(argv[4]));
	} else {
		return 2;
	}
	return 0;
}
