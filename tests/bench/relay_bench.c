/* relay_bench.c - what a passage costs: CPU against a bare splice relay
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * relay_bench [MIB]: so much (default 2048) through a relay process over loopback, passage and bare
 * relay in turn, medians of several. Where there are two processors the relay has one for itself,
 * so that its figures are its own. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "proxy/passage.h"
#include "tests/bench/bare_relay.h"
#include "tests/bench/samples.h"

#define ROUNDS_MAX 21
#define PAIRS_MAX 64
#define CHUNK (256 * 1024)
#define WORD 80			/* a line of a dialogue, under TLS */

enum kind { PASSAGE, BARE_64, BARE_256, KINDS };

static const char *const names[KINDS] = { "passage", "bare, 64 KiB pipes",
	"bare, 256 KiB pipes" };

struct load {
	const char *name;
	int rounds, pairs;
	uint64_t octets;	/* in all, one way */
	uint32_t words;		/* instead: asked and answered by turns */
};

static int door;
static size_t left;		/* passages that are open */

/* --- sockets and processors ------------------------------------------------------------------- */

static void
connected(int *near, int *far)
{
	struct sockaddr_in there;
	socklen_t len = sizeof(there);

	bare_need(getsockname(door, (struct sockaddr *)&there, &len) == 0, "getsockname");
	*far = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bare_need(connect(*far, (struct sockaddr *)&there, len) == 0, "connect");
	*near = accept4(door, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	bare_need(*near >= 0, "accept4");
	setsockopt(*far, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	setsockopt(*near, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
}

static void
open_door(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	door = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bare_need(bind(door, (struct sockaddr *)&any, sizeof(any)) == 0 &&
	    listen(door, 4096) == 0, "listen");
}

static void
stay_on(unsigned processor)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(processor, &set);
	if (sysconf(_SC_NPROCESSORS_ONLN) > 1)
		sched_setaffinity(0, sizeof(set), &set);
}

/* --- what is at the two ends ------------------------------------------------------------------ */

static void
source(const int *fd, const struct load *load)
{
	static unsigned char chunk[CHUNK];
	struct pollfd polled[PAIRS_MAX];
	uint64_t each = load->octets / (uint64_t)load->pairs, sent[PAIRS_MAX] = { 0 };
	int open = load->pairs;

	for (int i = 0; i < load->pairs; i++)
		polled[i] = (struct pollfd){ .fd = fd[i], .events = POLLOUT };
	while (open > 0 && poll(polled, (nfds_t)load->pairs, -1) > 0)
		for (int i = 0; i < load->pairs; i++) {
			if (polled[i].fd < 0 || !(polled[i].revents & POLLOUT))
				continue;
			uint64_t rest = each - sent[i];
			ssize_t n = send(fd[i], chunk, rest < CHUNK ? rest : CHUNK,
			    MSG_DONTWAIT | MSG_NOSIGNAL);
			if (n > 0 && (sent[i] += (uint64_t)n) == each) {
				shutdown(fd[i], SHUT_WR);
				polled[i].fd = -1;
				open--;
			}
		}
}

static void
sink(const int *fd, const struct load *load)
{
	struct pollfd polled[PAIRS_MAX];
	int open = load->pairs;

	for (int i = 0; i < load->pairs; i++)
		polled[i] = (struct pollfd){ .fd = fd[i], .events = POLLIN };
	while (open > 0 && poll(polled, (nfds_t)load->pairs, -1) > 0)
		for (int i = 0; i < load->pairs; i++)
			if (polled[i].fd >= 0 && polled[i].revents != 0 &&
			    recv(fd[i], NULL, CHUNK, MSG_TRUNC | MSG_DONTWAIT) == 0) {
				shutdown(fd[i], SHUT_WR);
				polled[i].fd = -1;
				open--;
			}
}

/* asks: each pair's question is answered before its next one is put. */
static void
asks(int fd, uint32_t words, bool first)
{
	char word[WORD] = "";

	for (uint32_t i = 0; i < words; i++) {
		if (first && send(fd, word, WORD, MSG_NOSIGNAL) != WORD)
			break;
		if (recv(fd, word, WORD, MSG_WAITALL) != WORD)
			break;
		if (!first && send(fd, word, WORD, MSG_NOSIGNAL) != WORD)
			break;
	}
	shutdown(fd, SHUT_WR);
	while (recv(fd, word, WORD, 0) > 0)
		;
}

/* --- the relay -------------------------------------------------------------------------------- */

static void
over(struct passage *p)
{
	passage_close(p);
	if (--left == 0)
		ev_break(p->loop, EVBREAK_ALL);
}

static uint64_t
relay_by_passage(int (*fd)[2], int pairs)
{
	static struct passage passages[PAIRS_MAX];
	struct ev_loop *loop = ev_default_loop(0);
	struct pipes pipes;
	uint64_t octets = 0;

	pipes_init(&pipes);
	left = (size_t)pairs;
	for (int i = 0; i < pairs; i++)
		passage_open(&passages[i], loop, &pipes, fd[i][0], fd[i][1], over, NULL);
	ev_run(loop, 0);
	for (int i = 0; i < pairs; i++)
		octets += passages[i].way[0].octets + passages[i].way[1].octets;
	return octets;
}

static uint64_t
relay_bare(int (*fd)[2], int pairs, size_t pipe_size)
{
	static struct bare_pair all[PAIRS_MAX];
	struct bare b = { .epoll = epoll_create1(EPOLL_CLOEXEC), .pipe_size = pipe_size };

	for (int i = 0; i < pairs; i++)
		bare_open(&b, &all[i], fd[i][0], fd[i][1]);
	bare_run(&b);
	return b.octets;
}

static double
cpu_s(void)
{
	struct rusage used;

	getrusage(RUSAGE_SELF, &used);
	return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
	    (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

static pid_t
begin(unsigned processor)
{
	pid_t pid = fork();

	bare_need(pid >= 0, "fork");
	if (pid == 0)
		stay_on(processor);
	return pid;
}

/* run: the relay's CPU seconds for one load. */
static double
run(enum kind kind, const struct load *load)
{
	int fd[PAIRS_MAX][2], from[PAIRS_MAX], to[PAIRS_MAX], result[2];
	double used = -1;
	const uint64_t expected = load->words > 0 ? 2ull * WORD * load->words : load->octets;

	for (int i = 0; i < load->pairs; i++) {
		connected(&fd[i][0], &from[i]);
		connected(&fd[i][1], &to[i]);
	}
	bare_need(pipe(result) == 0, "pipe");
	pid_t relay = begin(1);
	if (relay == 0) {
		for (int i = 0; i < load->pairs; i++)
			close(from[i]), close(to[i]);
		used = cpu_s();
		uint64_t octets = kind == PASSAGE ? relay_by_passage(fd, load->pairs) :
		    relay_bare(fd, load->pairs, kind == BARE_64 ? 65536 : 262144);
		used = octets == expected ? cpu_s() - used : -1;
		_exit(write(result[1], &used, sizeof(used)) != sizeof(used));
	}
	for (int i = 0; i < load->pairs; i++)
		close(fd[i][0]), close(fd[i][1]);
	pid_t far = begin(0);
	if (far == 0) {
		if (load->words > 0)
			asks(to[0], load->words, false);
		else
			sink(to, load);
		_exit(0);
	}
	for (int i = 0; i < load->pairs; i++)
		close(to[i]);
	pid_t near = begin(0);
	if (near == 0) {
		if (load->words > 0)
			asks(from[0], load->words, true);
		else
			source(from, load);
		_exit(0);
	}
	for (int i = 0; i < load->pairs; i++)
		close(from[i]);
	bare_need(read(result[0], &used, sizeof(used)) == sizeof(used) && used >= 0, "relay");
	while (wait(NULL) > 0)
		;
	close(result[0]), close(result[1]);
	return used;
}

static void
compare(const struct load *load)
{
	double used[KINDS][ROUNDS_MAX], median[KINDS];
	double per = load->words > 0 ? load->words / 1e6 : (double)load->octets / 1e9;
	const int last = load->rounds - 1;
	const char *unit = load->words > 0 ? "us a question and answer" : "CPU-s/GB";

	for (int round = 0; round < load->rounds; round++)
		for (int kind = 0; kind < KINDS; kind++)
			used[kind][round] = run((enum kind)kind, load);
	for (int kind = 0; kind < KINDS; kind++) {
		median[kind] = samples_median(used[kind], (size_t)load->rounds);
	}
	printf("relay, %s: %s %.4f %s (%.4f to %.4f)", load->name, names[PASSAGE],
	    median[PASSAGE] / per, unit, used[PASSAGE][0] / per, used[PASSAGE][last] / per);
	for (int kind = PASSAGE + 1; kind < KINDS; kind++)
		printf("; %s %.4f (%.4f to %.4f), ratio %.3f", names[kind], median[kind] / per,
		    used[kind][0] / per, used[kind][last] / per,
		    median[PASSAGE] / median[kind]);
	putchar('\n');
	fflush(stdout);
}

int
main(int argc, char **argv)
{
	const uint64_t octets = (argc > 1 ? strtoull(argv[1], NULL, 10) : 2048) << 20;
	const struct load loads[] = {
		{ "1 connection", 5, 1, octets, 0 }, { "32 connections", 5, 32, octets, 0 },
		{ "a dialogue", ROUNDS_MAX, 1, 0, 5000 },
	};

	signal(SIGPIPE, SIG_IGN);
	open_door();
	for (size_t i = 0; i < sizeof(loads) / sizeof(loads[0]); i++)
		compare(&loads[i]);
	return 0;
}
