#include <bpf/libbpf.h>

#include "many.h"
#include "many.skel.h"

int main(void)
{
	struct many *skeleton = many__open();
	int good = skeleton && other() == MANY;

	many__destroy(skeleton);
	return !good;
}
