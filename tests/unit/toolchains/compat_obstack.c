// SPDX-License-Identifier: BSD-3-Clause
/* Uses obstack: the output must be the same with every implementation. */
#include <obstack.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define obstack_chunk_alloc malloc
#define obstack_chunk_free free

int main(void)
{
	struct obstack stack;
	char *first, *grown;
	int total = 0;

	obstack_init(&stack);
	first = obstack_copy0(&stack, "first", 5);
	for (int i = 0; i < 10000; i++) {
		obstack_grow(&stack, &i, sizeof(i));
		total += obstack_object_size(&stack) / (i + 1);
	}
	obstack_1grow(&stack, '\0');
	grown = obstack_finish(&stack);
	printf("%s %d %d %d\n", first, ((int *)grown)[9999], total,
	       (int)obstack_alignment_mask(&stack));
	obstack_free(&stack, grown);
	grown = obstack_alloc(&stack, 100000);
	memset(grown, 1, 100000);
	printf("%d\n", obstack_memory_used(&stack) > 100000);
	obstack_free(&stack, NULL);
	return 0;
}
