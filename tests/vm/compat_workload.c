// SPDX-License-Identifier: BSD-3-Clause
/*
 * A 32-bit ARM program without a C library. It makes known syscalls by their EABI numbers, of which
 * 221 and 280 mean others in the 64-bit table. Waits for a byte on stdin first.
 */
static long call(long number, long a, long b, long c, long d)
{
	register long r7 __asm__("r7") = number;
	register long r0 __asm__("r0") = a;
	register long r1 __asm__("r1") = b;
	register long r2 __asm__("r2") = c;
	register long r3 __asm__("r3") = d;
	register long r4 __asm__("r4") = 0;

	__asm__ volatile("svc #0"
			 : "+r"(r0)
			 : "r"(r7), "r"(r1), "r"(r2), "r"(r3), "r"(r4)
			 : "memory");
	return r0;
}

void _start(void)
{
	char byte;

	call(4 /* write */, 1, (long)"ready\n", 6, 0);
	call(3 /* read */, 0, (long)&byte, 1, 0);
	for (int i = 0; i < 40; i++)
		call(221 /* fcntl64 */, 1, 3 /* F_GETFL */, 0, 0);
	for (int i = 0; i < 30; i++)
		call(280 /* waitid */, 0 /* P_ALL */, 0, 0, 4 /* WEXITED */); /* ECHILD */
	for (int i = 0; i < 20; i++)
		call(20 /* getpid */, 0, 0, 0, 0);
	for (int i = 0; i < 10; i++)
		call(0x0f0005 /* set_tls */, 0, 0, 0, 0);
	/* Returns an address above 2 GiB, which must not be taken for an error. */
	call(192 /* mmap2 */, 0x90000000, 4096, 3, 0x32 /* PRIVATE, FIXED, ANONYMOUS */);
	call(248 /* exit_group */, 0, 0, 0, 0);
}
