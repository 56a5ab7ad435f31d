/* idle_bench.c - what idle passages cost: memory and wake-ups
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * idle_bench [PASSAGES]: so many (default 5,000), each of which has moved something before. */
#include <malloc.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proxy/passage.h"

#define IDLE_S 10.0

static int door;

static void
need(bool good, const char *what)
{
	if (good)
		return;
	perror(what);
	exit(1);
}

static void
open_door(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	door = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	need(bind(door, (struct sockaddr *)&any, sizeof(any)) == 0 && listen(door, 4096) == 0,
	    "listen");
}

static void
over(struct passage *p)
{
	fprintf(stderr, "a passage was over: %s\n", p->why);
	exit(1);
}

static size_t
private_kib(void)
{
	char line[256];
	size_t kib = 0, all = 0;
	FILE *f = fopen("/proc/self/smaps_rollup", "r");

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "Private_Dirty: %zu", &kib) == 1)
			all += kib;
	if (f != NULL)
		fclose(f);
	return all;
}

/* hold_ends: connects them, says something on each, and holds them. */
static void
hold_ends(int count)
{
	struct sockaddr_in there;
	socklen_t len = sizeof(there);

	getsockname(door, (struct sockaddr *)&there, &len);
	for (int i = 0; i < 2 * count; i++) {
		int far = socket(AF_INET, SOCK_STREAM, 0);
		need(connect(far, (struct sockaddr *)&there, len) == 0, "connect");
		need(send(far, "x", 1, 0) == 1, "send");
	}
	pause();
	_exit(0);
}

/* ends: our ends of so many pairs; the others are in a process of their own. */
static pid_t
ends(int (*fd)[2], int count)
{
	pid_t pid = fork();

	need(pid >= 0, "fork");
	if (pid == 0)
		hold_ends(count);
	for (int i = 0; i < 2 * count; i++) {
		int near = accept4(door, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		need(near >= 0, "accept4");
		fd[i / 2][i % 2] = near;
	}
	return pid;
}

static void
time_is_up(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)timer, (void)events;
	ev_break(loop, EVBREAK_ALL);
}

static void
run_for(struct ev_loop *loop, double seconds)
{
	ev_timer timer;

	ev_now_update(loop);
	ev_timer_init(&timer, time_is_up, seconds, 0);
	ev_timer_start(loop, &timer);
	ev_run(loop, 0);
}

struct usage {
	unsigned turns;
	long waits;
	double cpu_ms;
};

static struct usage
usage(struct ev_loop *loop)
{
	struct rusage used;

	getrusage(RUSAGE_SELF, &used);
	return (struct usage){ ev_iteration(loop), used.ru_nvcsw,
		(double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e3 +
		(double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e3 };
}

static void
idle(int count)
{
	int (*fd)[2] = calloc((size_t)count, sizeof(*fd));
	struct passage **all = calloc((size_t)count, sizeof(struct passage *));
	struct ev_loop *loop = ev_default_loop(0);
	struct pipes pipes;
	uint64_t octets = 0;

	need(fd != NULL && all != NULL, "calloc");
	pid_t pid = ends(fd, count);
	memset(all, 1, (size_t)count * sizeof(struct passage *));	/* touched: not counted */
	pipes_init(&pipes);
	size_t before = private_kib(), heap = mallinfo2().uordblks;
	for (int i = 0; i < count; i++) {
		all[i] = malloc(sizeof(struct passage));
		need(all[i] != NULL, "malloc");
		passage_open(all[i], loop, &pipes, fd[i][0], fd[i][1], over, NULL);
	}
	run_for(loop, 1);
	struct usage one = usage(loop);
	run_for(loop, IDLE_S);
	struct usage two = usage(loop);
	for (int i = 0; i < count; i++)
		octets += all[i]->way[0].octets + all[i]->way[1].octets;
	printf("%d idle passages (%llu octets had passed, %zu pipes are kept): %zu octets of heap "
	    "each (the struct is %zu), %.3f KiB of private memory each; in %.0f s %u turns of the "
	    "loop, %ld waits, %.1f ms of CPU\n", count, (unsigned long long)octets, pipes.len,
	    (mallinfo2().uordblks - heap) / (size_t)count, sizeof(struct passage),
	    (double)(private_kib() - before) / count, IDLE_S, two.turns - one.turns,
	    two.waits - one.waits, two.cpu_ms - one.cpu_ms);
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
}

static void
raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

int
main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	raise_descriptors();
	open_door();
	idle(argc > 1 ? atoi(argv[1]) : 5000);
	return 0;
}
