// SPDX-License-Identifier: BSD-3-Clause
/*
 * Makes a known number of known syscalls: syscall_workload MODE. Prints "ready PID TID...", waits
 * for a line on stdin, then does what the mode's name says.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define THREADS 3
#define UNKNOWN_NUMBER 480

static pthread_barrier_t ready, go;
static pid_t tids[THREADS];
static char **arguments;

static void times(int n, long number)
{
	while (n--)
		syscall(number, 0, 0, 0, 0);
}

static void wait_for_start(void)
{
	char byte;

	printf("ready %d", getpid());
	for (int i = 0; i < THREADS; i++)
		if (tids[i])
			printf(" %d", tids[i]);
	printf("\n");
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) == 1 && byte != '\n')
		;
}

/* 500 getpid, 100 failing openat, 50 calls of an unused number, 5 sleeps of 20 ms. */
static void known(void)
{
	struct timespec begin, end, pause = { .tv_nsec = 20000000 };

	times(500, SYS_getpid);
	for (int i = 0; i < 100; i++)
		open("/no/such/file", O_RDONLY);
	times(50, UNKNOWN_NUMBER);
	for (int i = 0; i < 5; i++) {
		clock_gettime(CLOCK_MONOTONIC, &begin);
		syscall(SYS_nanosleep, &pause, NULL);
		clock_gettime(CLOCK_MONOTONIC, &end);
		printf("slept %lld\n",
		       (end.tv_sec - begin.tv_sec) * 1000000000LL + end.tv_nsec - begin.tv_nsec);
	}
}

static void *thread(void *argument)
{
	long i = (long)argument;

	tids[i] = gettid();
	pthread_barrier_wait(&ready);
	pthread_barrier_wait(&go);
	times(100 * (i + 1), SYS_getppid);
	return NULL;
}

/* 100, 200 and 300 getppid by the threads, 10 getuid by the first thread. */
static void threads(void)
{
	pthread_t started[THREADS];

	pthread_barrier_init(&ready, NULL, THREADS + 1);
	pthread_barrier_init(&go, NULL, THREADS + 1);
	for (long i = 0; i < THREADS; i++)
		pthread_create(&started[i], NULL, thread, (void *)i);
	pthread_barrier_wait(&ready);
	wait_for_start();
	pthread_barrier_wait(&go);
	for (int i = 0; i < THREADS; i++)
		pthread_join(started[i], NULL);
	times(10, SYS_getuid);
}

static void *execute(void *argument)
{
	execv("/proc/self/exe", arguments);
	return argument;
}

/* Becomes the mode "known" by an execve from a thread that is not the first. */
static void exec_by_thread(void)
{
	static char *next[] = { "syscall_workload", "known-at-once", NULL };
	pthread_t started;

	arguments = next;
	pthread_create(&started, NULL, execute, NULL);
	pause();
}

/* 200 children, each of which calls exit_group at once. */
static void children(void)
{
	for (int i = 0; i < 200; i++) {
		pid_t child = fork();

		if (!child)
			_exit(0);
		waitpid(child, NULL, 0);
	}
}

/* Runs the rest of the arguments as another user. */
static int as_nobody(char **argv)
{
	if (setgid(65534) || setuid(65534))
		return 1;
	execv(argv[0], argv);
	return 1;
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";

	if (!strcmp(mode, "known-at-once")) {
		known();
	} else if (!strcmp(mode, "known")) {
		wait_for_start();
		known();
	} else if (!strcmp(mode, "hostile")) {
		prctl(PR_SET_NAME, "a b=\"\n\\\xff,\xc3\xa9\x1b[");
		wait_for_start();
		times(5, SYS_getpid);
	} else if (!strcmp(mode, "user")) {
		if (setuid(12345))
			return 1;
		wait_for_start();
		times(60, SYS_getpid);
	} else if (!strcmp(mode, "flood")) {
		wait_for_start();
		times(20000, SYS_getpid);
	} else if (!strcmp(mode, "forever")) {
		wait_for_start();
		for (;;)
			times(1, SYS_getpid);
	} else if (!strcmp(mode, "threads")) {
		threads();
	} else if (!strcmp(mode, "exec-by-thread")) {
		wait_for_start();
		exec_by_thread();
	} else if (!strcmp(mode, "children")) {
		wait_for_start();
		children();
	} else if (!strcmp(mode, "as-nobody")) {
		return as_nobody(argv + 2);
	} else {
		return 2;
	}
	return 0;
}
