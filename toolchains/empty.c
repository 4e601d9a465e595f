/* What is linked so that the linker makes the libc: toolchains/zig.py. */

int main(void)
{
	return 0;
}
