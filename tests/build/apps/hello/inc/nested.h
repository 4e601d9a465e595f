#ifndef NESTED_H
#define NESTED_H

#define NESTED 1

/* Code in a header: line information of the BPF object names the header's path. */
static __attribute__((noinline)) int nested(int value)
{
	return value + NESTED;
}

#endif
