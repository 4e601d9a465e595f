// SPDX-License-Identifier: BSD-3-Clause
/*
 * Processes that start and end in known ways: proc_workload MODE ARGUMENT...
 *
 * "watch LABEL COMMAND ARGUMENT..." runs a command as its child and prints the result of wait():
 * "LABEL PPID PID STATUS NS", the last from before the fork to after the wait.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RACERS 8

extern char **environ;
static char *self = "/bin/proc_workload";
static pthread_barrier_t barrier;
static int code;

static long long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static int watch(char **argv)
{
	long long begin = now_ns();
	int status = -1;
	pid_t pid = fork();

	if (!pid) {
		execv(argv[1], argv + 1);
		_exit(126);
	}
	waitpid(pid, &status, 0);
	printf("%s %d %d %d %lld\n", argv[0], getpid(), pid, status, now_ns() - begin);
	return 0;
}

static void *end_group(void *argument)
{
	usleep(50000);
	syscall(SYS_exit_group, code);
	return argument;
}

static void *end_thread(void *argument)
{
	usleep(50000);
	syscall(SYS_exit, code);
	return argument;
}

static void *race(void *argument)
{
	pthread_barrier_wait(&barrier);
	syscall(SYS_exit, 0);
	return argument;
}

static void *execute(void *argument)
{
	execl(self, self, "exit", argument, NULL);
	return NULL;
}

static void start(void *(*body)(void *), void *argument)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, body, argument))
		_exit(125);
}

/* Runs as another user. */
static int user(char **argv)
{
	if (setgid(atoi(argv[1])) || setuid(atoi(argv[0])))
		return 1;
	execv(argv[2], argv + 2);
	return 1;
}

/* Makes a child that never calls exec and ends before its parent. */
static int fork_only(int status)
{
	pid_t pid = fork();

	if (!pid) {
		usleep(20000);
		_exit(status);
	}
	printf("fork-child %d %d %d 0\n", getpid(), pid, status << 8);
	fflush(stdout);
	waitpid(pid, NULL, 0);
	return 0;
}

/* Makes a child that outlives its parent, so it ends with another one. */
static int orphan(void)
{
	pid_t pid = fork();

	if (!pid) {
		usleep(100000);
		_exit(9);
	}
	printf("orphan-child 1 %d %d 0\n", pid, 9 << 8);
	return 0;
}

static int execute_file(bool in_memory, char **argv)
{
	int file = open(self, O_RDONLY | O_CLOEXEC), copy;
	struct stat stat;

	if (!in_memory)
		return fexecve(file, argv, environ);
	copy = memfd_create("in memory", MFD_CLOEXEC);
	if (fstat(file, &stat) || sendfile(copy, file, NULL, stat.st_size) != stat.st_size)
		return 1;
	return fexecve(copy, argv, environ);
}

static int dump_core(void)
{
	struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };

	setrlimit(RLIMIT_CORE, &limit);
	abort();
}

static int many(int n)
{
	while (n--) {
		pid_t pid = fork();

		if (!pid)
			_exit(0);
		waitpid(pid, NULL, 0);
	}
	return 0;
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";
	char *ends[] = { "renamed", "exit", "11", NULL };
	char byte;

	code = argc > 2 ? atoi(argv[2]) : 0;
	if (!strcmp(mode, "watch"))
		return watch(argv + 2);
	if (!strcmp(mode, "exit"))
		return code;
	if (!strcmp(mode, "sleep"))
		return usleep(code * 1000);
	if (!strcmp(mode, "kill"))
		return kill(getpid(), code);
	if (!strcmp(mode, "segv"))
		*(volatile int *)8 = 0;
	if (!strcmp(mode, "core"))
		return dump_core();
	if (!strcmp(mode, "user"))
		return user(argv + 2);
	if (!strcmp(mode, "fork-only"))
		return fork_only(code);
	if (!strcmp(mode, "orphan"))
		return orphan();
	if (!strcmp(mode, "many"))
		return many(code);
	if (!strcmp(mode, "fd"))
		return execute_file(false, ends);
	if (!strcmp(mode, "memfd"))
		return execute_file(true, ends);
	if (!strcmp(mode, "relative"))
		return chdir("/bin") ||
		       execl("./proc_workload", "proc_workload", "exit", "0", NULL);
	if (!strcmp(mode, "hostile"))
		return prctl(PR_SET_NAME, "a b=\"\n\\\xff,\xc3\xa9\x1b[");
	if (!strcmp(mode, "nonblocking")) /* the stdout of a command */
		return fcntl(STDOUT_FILENO, F_SETFL, O_NONBLOCK) || execvp(argv[2], argv + 2);
	if (!strncmp(mode, "wait", 4)) { /* for a line on stdin */
		while (read(STDIN_FILENO, &byte, 1) == 1 && byte != '\n')
			;
		return strcmp(mode, "wait-exec") ? code : execl(self, self, "exit", argv[2], NULL);
	}
	if (!strcmp(mode, "exit-by-thread")) {
		start(end_group, NULL);
		pause();
	}
	if (!strcmp(mode, "exec-by-thread")) {
		start(execute, argv[2]);
		pause();
	}
	if (!strcmp(mode, "thread-last")) { /* the first thread ends long before */
		start(end_group, NULL);
		syscall(SYS_exit, 5);
	}
	if (!strcmp(mode, "threads-end")) { /* without exit_group */
		start(end_thread, NULL);
		syscall(SYS_exit, 5);
	}
	if (!strcmp(mode, "race")) {
		pthread_barrier_init(&barrier, NULL, RACERS);
		for (int i = 1; i < RACERS; i++)
			start(race, NULL);
		race(NULL);
	}
	return 2;
}
