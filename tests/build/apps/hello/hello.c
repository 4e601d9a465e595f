#include <stdio.h>

#include <bpf/libbpf.h>

#include "hello.h"
#include "hello.skel.h"

int main(void)
{
	struct hello *skeleton = hello__open();

	if (!skeleton)
		return 1;
	printf("%s: %d program, nested %d\n", __FILE__, skeleton->skeleton->prog_cnt, nested(0));
	hello__destroy(skeleton);
	return 0;
}
