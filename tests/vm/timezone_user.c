// SPDX-License-Identifier: BSD-3-Clause
/* Prints times, given in seconds since 1970, as local time the way bcc's tools do. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int main(int argc, char **argv)
{
	char text[64];
	time_t at;
	int i;

	for (i = 1; i < argc; i++) {
		at = atoll(argv[i]);
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S %Z", localtime(&at));
		puts(text);
	}
	return 0;
}
