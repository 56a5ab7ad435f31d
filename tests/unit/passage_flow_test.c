/* passage_flow_test.c - joined sockets under load: whole, bounded, and still while nobody reads
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The peers are another process, so that the loop's turns and memory are the passage's own. */
#include "tests/unit/passage_world.h"

#include <stdio.h>
#include <sys/ioctl.h>

#define BULK (64u * 1024 * 1024)
#define ENOUGH (48u * 1024 * 1024)	/* more than sockets and pipe hold */
#define PATIENCE_S 60
#define TURN_MAX (1024 * 1024 + PIPE_OCTETS)	/* for one way in one turn of the loop */

/* What stands at a place of one side's stream: no period that a lost or doubled page would hide. */
static unsigned char
octet_at(int side, uint64_t place)
{
	uint64_t x = (place >> 3) + ((uint64_t)side << 60);

	x *= 0x9e3779b97f4a7c15;
	x ^= x >> 29;
	x *= 0xbf58476d1ce4e5b9;
	return (unsigned char)(x >> (8 * (place & 7)));
}

/* One peer: what it sends and has sent, and what came. */
struct end {
	int fd, side;
	uint64_t sent, come;
	bool told, ended, full;
	unsigned char out[65536], in[65536];
};

/* send_some: false when the connection is gone; e->full: the socket takes no more now. */
static bool
send_some(struct end *e, uint64_t most)
{
	size_t len = most - e->sent < sizeof(e->out) ? (size_t)(most - e->sent) : sizeof(e->out);

	if (len == 0) {
		e->told = true;
		return shutdown(e->fd, SHUT_WR) == 0;
	}
	for (size_t i = 0; i < len; i++)
		e->out[i] = octet_at(e->side, e->sent + i);
	ssize_t n = send(e->fd, e->out, len, MSG_NOSIGNAL | MSG_DONTWAIT);
	e->full = n < 0 && errno == EAGAIN;
	if (n > 0)
		e->sent += (uint64_t)n;
	return n > 0 || e->full;
}

static bool
read_some(struct end *e)
{
	ssize_t n = recv(e->fd, e->in, sizeof(e->in), MSG_DONTWAIT);

	if (n <= 0) {
		e->ended = n == 0;
		return n == 0 || errno == EAGAIN;
	}
	for (ssize_t i = 0; i < n; i++)
		if (e->in[i] != octet_at(!e->side, e->come + (uint64_t)i))
			return false;
	e->come += (uint64_t)n;
	return true;
}

/* talk: each sends `most[side]` octets and its end, and reads the other's to its end. */
static bool
talk(const int fd[2], const uint64_t most[2])
{
	static struct end ends[2];

	for (int i = 0; i < 2; i++)
		ends[i] = (struct end){ .fd = fd[i], .side = i };
	while (!ends[0].ended || !ends[1].ended || !ends[0].told || !ends[1].told) {
		struct pollfd polled[2];

		for (int i = 0; i < 2; i++)
			polled[i] = (struct pollfd){ .fd = fd[i], .events = (short)
			    ((ends[i].ended ? 0 : POLLIN) | (ends[i].told ? 0 : POLLOUT)) };
		if (poll(polled, 2, PATIENCE_S * 1000) <= 0)
			return false;
		for (int i = 0; i < 2; i++)
			if ((polled[i].revents & POLLIN && !read_some(&ends[i])) ||
			    (polled[i].revents & POLLOUT && !send_some(&ends[i], most[i])))
				return false;
	}
	return ends[0].come == most[1] && ends[1].come == most[0];
}

static pid_t
talkers(struct world *w, uint64_t client, uint64_t server)
{
	const uint64_t most[] = { client, server };
	pid_t pid = fork();

	if (pid == 0) {
		alarm(PATIENCE_S);
		_exit(talk(w->peer, most) ? 0 : 1);
	}
	assert_true(pid > 0);
	world_hang_up(w, PASSAGE_CLIENT);
	world_hang_up(w, PASSAGE_SERVER);
	return pid;
}

static void
all_is_well(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static long
resident_kib(void)
{
	char line[256];
	long kib = -1;
	FILE *f = fopen("/proc/self/status", "r");

	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "VmRSS: %ld", &kib) == 1)
			break;
	fclose(f);
	return kib;
}

static void
bulk(struct world *w, bool tcp, uint64_t client, uint64_t server)
{
	world_open(w, tcp);
	long before = resident_kib();
	pid_t pid = talkers(w, client, server);
	world_run(w, PATIENCE_S);
	all_is_well(pid);
	assert_int_equal(w->over, 1);
	assert_string_equal(w->passage.why, "closed");
	assert_int_equal(w->passage.way[PASSAGE_CLIENT].octets, client);
	assert_int_equal(w->passage.way[PASSAGE_SERVER].octets, server);
	assert_true(resident_kib() - before < 1024);
	world_close(w);
}

static void
both_ways_at_once(void **state)
{
	bulk(*state, true, BULK, BULK);
	bulk(*state, false, BULK, BULK);
}

static void
one_way(void **state)
{
	bulk(*state, true, BULK, 0);
	bulk(*state, true, 1, BULK);
	bulk(*state, false, 4097, 12345);
	bulk(*state, true, 0, 0);
}

/* fill_up: the sender's octets until there is no room anywhere. */
static uint64_t
fill_up(struct world *w, enum passage_side side)
{
	static struct end e;
	uint64_t last = UINT64_MAX;

	e = (struct end){ .fd = w->peer[side], .side = (int)side };
	while (e.sent != last && e.sent < ENOUGH) {
		last = e.sent;
		do
			assert_true(send_some(&e, ENOUGH));
		while (!e.full && e.sent < ENOUGH);
		world_run(w, 0.05);
	}
	return e.sent;
}

/* RFC 9293 3.8.6: who does not read stops who sends; the process in the middle sleeps. */
static void
slow_reader(void **state)
{
	struct world *w = *state;

	for (int tcp = 0; tcp < 2; tcp++) {
		static struct end reader;
		const int small = 65536;

		world_open(w, tcp);
		setsockopt(w->peer[PASSAGE_SERVER], SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
		long before = resident_kib();
		uint64_t sent = fill_up(w, PASSAGE_CLIENT);
		assert_true(sent < ENOUGH);
		assert_true(world_run(w, 1.0) <= 3);
		assert_true(resident_kib() - before < 1024);
		assert_true(w->passage.way[PASSAGE_CLIENT].held > 0);
		/* The other way is not touched by it. */
		world_say(w, PASSAGE_SERVER, "slowly, please");
		world_hears(w, PASSAGE_CLIENT, "slowly, please");
		assert_true(world_run(w, 0.2) <= 3);
		reader = (struct end){ .fd = w->peer[PASSAGE_SERVER], .side = PASSAGE_SERVER };
		shutdown(w->peer[PASSAGE_CLIENT], SHUT_WR);
		while (!reader.ended) {
			uint64_t come = reader.come;
			assert_true(read_some(&reader));
			if (reader.come == come)
				world_wait(w);
		}
		assert_int_equal(reader.come, sent);
		assert_int_equal(w->passage.way[PASSAGE_CLIENT].octets, sent);
		assert_true(w->passage.way[PASSAGE_CLIENT].pipe.in < 0);
		world_close(w);
	}
}

/* How much one way moved between two turns of the loop, at most. */
struct meter {
	ev_prepare turn;
	struct passage *passage;
	uint64_t before[2], most;
};

static void
measure(struct ev_loop *loop, ev_prepare *turn, int events)
{
	struct meter *m = turn->data;

	(void)loop, (void)events;
	for (int i = 0; i < 2; i++) {
		uint64_t now = m->passage->way[i].octets;
		if (now - m->before[i] > m->most)
			m->most = now - m->before[i];
		m->before[i] = now;
	}
}

/* large: buffers that hold more than a turn may move, where the kernel lets us have them. */
static bool
large(int fd)
{
	const int size = 4 * (int)TURN_MAX;

	return setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) == 0;
}

/* All is there and all could be taken: the other sessions have their turn nevertheless. */
static void
a_turn_is_bounded(void **state)
{
	struct world *w = *state;
	struct meter m = { .passage = &w->passage };

	world_open(w, true);
	if (!large(w->peer[0]) || !large(w->peer[1]) || !large(w->passage.way[0].io.fd) ||
	    !large(w->passage.way[1].io.fd)) {
		world_close(w);
		skip();
	}
	static struct end e;
	e = (struct end){ .fd = w->peer[PASSAGE_CLIENT], .side = PASSAGE_CLIENT };
	for (int i = 0; i < 100 && e.sent < 2 * TURN_MAX; i++) {
		assert_true(send_some(&e, 2 * TURN_MAX));
		if (e.full)
			usleep(1000);
	}
	assert_true(e.sent > TURN_MAX);
	ev_prepare_init(&m.turn, measure);
	m.turn.data = &m;
	ev_prepare_start(w->loop, &m.turn);
	world_run(w, 0.2);
	ev_prepare_stop(w->loop, &m.turn);
	assert_int_equal(w->passage.way[PASSAGE_CLIENT].octets, e.sent);
	assert_true(m.most <= TURN_MAX);
	assert_true(m.most >= TURN_MAX / 8);
	world_close(w);
}

/* The sender is gone before the reader has begun: nothing is lost. */
static void
closed_in_flight(void **state)
{
	struct world *w = *state;

	for (int side = 0; side < 2; side++) {
		static struct end reader;
		static struct end e;

		world_open(w, true);
		e = (struct end){ .fd = w->peer[side], .side = side };
		do
			assert_true(send_some(&e, 1024 * 1024));
		while (!e.full && !e.told);
		uint64_t sent = e.sent;
		world_hang_up(w, (enum passage_side)side);
		world_run(w, 0.1);
		reader = (struct end){ .fd = w->peer[!side], .side = !side };
		while (!reader.ended) {
			assert_true(read_some(&reader));
			world_wait(w);
		}
		assert_int_equal(reader.come, sent);
		world_hang_up(w, (enum passage_side)!side);
		world_run(w, 1);
		assert_int_equal(w->over, 1);
		assert_string_equal(w->passage.why, "closed");
		world_close(w);
	}
}

/* Blocked, then the one who does not read, or the one who sends, breaks. */
static void
reset_while_blocked(void **state)
{
	struct world *w = *state;

	for (int side = 0; side < 2; side++) {
		world_open(w, true);
		assert_true(fill_up(w, PASSAGE_CLIENT) < ENOUGH);
		world_reset(w, (enum passage_side)side);
		assert_true(world_run(w, 0.5) <= 6);
		if (side == PASSAGE_SERVER) {
			assert_int_equal(w->over, 1);
			assert_string_equal(w->passage.why, "connection reset");
			assert_int_equal(w->passage.ended_by, PASSAGE_SERVER);
		} else {
			/* What was sent before is still on its way. */
			assert_int_equal(w->over, 0);
		}
		world_close(w);
	}
}

/* A passage that ends with octets in its pipe must not give them to the next one. */
static void
pipes_are_lent_empty(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < 4; i++) {
		world_open(w, true);
		fill_up(w, PASSAGE_CLIENT);
		assert_true(w->passage.way[PASSAGE_CLIENT].held > 0);
		if (i % 2 == 0) {
			world_reset(w, PASSAGE_SERVER);
			world_run(w, 1);
			assert_int_equal(w->over, 1);
		}
		world_close(w);
		for (size_t k = 0; k < w->pipes.len; k++) {
			int left = -1;
			assert_int_equal(ioctl(w->pipes.kept[k].out, FIONREAD, &left), 0);
			assert_int_equal(left, 0);
		}
		world_open(w, true);
		world_say(w, PASSAGE_CLIENT, "mine alone");
		world_hears(w, PASSAGE_SERVER, "mine alone");
		world_hang_up(w, PASSAGE_CLIENT);
		world_hears_end(w, PASSAGE_SERVER);
		world_close(w);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ways_at_once), cmocka_unit_test(one_way),
		cmocka_unit_test(slow_reader), cmocka_unit_test(a_turn_is_bounded),
		cmocka_unit_test(closed_in_flight),
		cmocka_unit_test(reset_while_blocked), cmocka_unit_test(pipes_are_lent_empty),
	};

	return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
