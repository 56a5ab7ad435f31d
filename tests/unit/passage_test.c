/* passage_test.c - two joined sockets: octets, ends, resets, silence, and what may run out
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/passage_world.h"

#include <sys/resource.h>

#define LEAK_ROUNDS 1000
#define MANY 100
#define BODY_OCTETS 60000	/* a socket has room for it */

static const struct {
	const char *name;
	bool tcp;
	enum passage_side first;	/* the side that does something */
} kinds[] = {
	{ "unix, client", false, PASSAGE_CLIENT }, { "unix, server", false, PASSAGE_SERVER },
	{ "tcp, client", true, PASSAGE_CLIENT }, { "tcp, server", true, PASSAGE_SERVER },
};

static enum passage_side
other(enum passage_side side)
{
	return side == PASSAGE_CLIENT ? PASSAGE_SERVER : PASSAGE_CLIENT;
}

#define EACH_KIND(i) for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)

static void
octets_pass(void **state)
{
	struct world *w = *state;

	EACH_KIND(i) {
		enum passage_side a = kinds[i].first, b = other(a);

		world_open(w, kinds[i].tcp);
		world_say(w, a, "one");
		world_hears(w, b, "one");
		world_say(w, b, "two, three");
		world_hears(w, a, "two, three");
		assert_int_equal(w->passage.way[a].octets, 3);
		assert_int_equal(w->passage.way[b].octets, 10);
		assert_true(passage_idle(&w->passage) < 5);
		assert_int_equal(w->over, 0);
		/* An idle one owns no pipe. */
		assert_true(w->passage.way[a].pipe.in < 0 && w->passage.way[b].pipe.in < 0);
		world_close(w);
	}
}

static void
single_octets(void **state)
{
	struct world *w = *state;

	EACH_KIND(i) {
		enum passage_side a = kinds[i].first;

		world_open(w, kinds[i].tcp);
		for (int k = 0; k < 300; k++) {
			char text[2] = { (char)('a' + k % 26), '\0' };
			world_say(w, a, text);
			if (k % 3 == 0)
				world_hears(w, other(a), text);
			else if (k % 3 == 2)
				world_hears(w, other(a), (char[]){ (char)('a' + (k - 1) % 26),
				    text[0], '\0' });
		}
		assert_int_equal(w->passage.way[a].octets, 300);
		world_close(w);
	}
}

/* RFC 9293 3.6: one direction ends, the other goes on. */
static void
half_close(void **state)
{
	struct world *w = *state;

	EACH_KIND(i) {
		enum passage_side a = kinds[i].first, b = other(a);

		world_open(w, kinds[i].tcp);
		world_say(w, a, "last words");
		shutdown(w->peer[a], SHUT_WR);
		world_hears(w, b, "last words");
		world_hears_end(w, b);
		world_say(w, b, "an answer");
		world_hears(w, a, "an answer");
		assert_true(world_run(w, 0.2) <= 3);
		assert_int_equal(w->over, 0);
		shutdown(w->peer[b], SHUT_WR);
		world_hears_end(w, a);
		world_run(w, 1);
		assert_int_equal(w->over, 1);
		assert_string_equal(w->passage.why, "closed");
		assert_int_equal(w->passage.ended_by, a);
		assert_false(w->passage.timed_out);
		world_close(w);
	}
}

static void
both_end_at_once(void **state)
{
	struct world *w = *state;

	EACH_KIND(i) {
		world_open(w, kinds[i].tcp);
		world_say(w, kinds[i].first, "bye");
		shutdown(w->peer[PASSAGE_CLIENT], SHUT_WR);
		shutdown(w->peer[PASSAGE_SERVER], SHUT_WR);
		world_run(w, 1);
		assert_int_equal(w->over, 1);
		assert_string_equal(w->passage.why, "closed");
		world_hears(w, other(kinds[i].first), "bye");
		world_hears_end(w, PASSAGE_CLIENT);
		world_hears_end(w, PASSAGE_SERVER);
		world_close(w);
	}
}

static void
resets(void **state)
{
	struct world *w = *state;

	EACH_KIND(i) {
		enum passage_side a = kinds[i].first;

		if (!kinds[i].tcp)
			continue;
		world_open(w, true);
		world_say(w, a, "x");
		world_hears(w, other(a), "x");
		world_reset(w, a);
		world_run(w, 1);
		assert_int_equal(w->over, 1);
		assert_string_equal(w->passage.why, "connection reset");
		assert_int_equal(w->passage.ended_by, a);
		world_hears_end(w, other(a));
		world_close(w);
	}
}

/* What the other one had said and nobody took does not turn its end into a reset. */
static void
unread_at_the_end(void **state)
{
	struct world *w = *state;

	for (int k = 0; k < 4; k++) {
		enum passage_side a = k % 2 == 0 ? PASSAGE_CLIENT : PASSAGE_SERVER;

		world_open(w, true);
		world_wait(w);
		if (k < 2)
			world_say(w, other(a), "are you there?");
		world_reset(w, a);
		if (k >= 2)
			world_say(w, other(a), "are you there?");
		world_run(w, 1);
		assert_int_equal(w->over, 1);
		assert_int_equal(w->passage.ended_by, a);
		world_hears_end(w, other(a));
		world_close(w);
	}
}

static void
only_counted(struct passage *p)
{
	((struct world *)p->arg)->over++;
}

/* It is said once, whenever its owner comes to close it. */
static void
over_once(void **state)
{
	struct world *w = *state;

	world_open(w, true);
	w->passage.over = only_counted;
	passage_hurry(&w->passage, 0.1);
	world_say(w, PASSAGE_SERVER, "x");
	world_reset(w, PASSAGE_CLIENT);
	unsigned before = ev_iteration(w->loop);
	world_run(w, 0.3);
	assert_true(ev_iteration(w->loop) - before <= 4);
	assert_int_equal(w->over, 1);
	assert_false(ev_is_active(&w->passage.idle));
	world_close(w);
}

/* It had ended its direction and then breaks: nobody is told until something is written to it, and
 * the loop must not turn meanwhile. */
static void
reset_after_the_end(void **state)
{
	struct world *w = *state;

	EACH_KIND(i) {
		enum passage_side a = kinds[i].first, b = other(a);

		if (!kinds[i].tcp)
			continue;
		world_open(w, true);
		shutdown(w->peer[a], SHUT_WR);
		world_hears_end(w, b);
		world_reset(w, a);
		assert_true(world_run(w, 0.3) <= 5);
		assert_int_equal(w->over, 0);
		world_say(w, b, "are you there?");
		world_run(w, 1);
		assert_int_equal(w->over, 1);
		assert_string_equal(w->passage.why, "connection reset");
		assert_int_equal(w->passage.ended_by, a);
		world_close(w);
	}
}

/* The same, and the other one has nothing more to say either: an end in order. */
static void
end_after_a_reset(void **state)
{
	struct world *w = *state;

	EACH_KIND(i) {
		enum passage_side a = kinds[i].first, b = other(a);

		if (!kinds[i].tcp)
			continue;
		world_open(w, true);
		shutdown(w->peer[a], SHUT_WR);
		world_hears_end(w, b);
		world_reset(w, a);
		world_run(w, 0.1);
		shutdown(w->peer[b], SHUT_WR);
		world_run(w, 1);
		assert_int_equal(w->over, 1);
		assert_string_equal(w->passage.why, "closed");
		assert_int_equal(w->passage.ended_by, a);
		world_close(w);
	}
}

/* A server says why and closes on what it has not read, which is a reset: the client is told. */
static void
last_words_before_a_reset(void **state)
{
	struct world *w = *state;

	EACH_KIND(i) {
		enum passage_side a = kinds[i].first, b = other(a);

		if (!kinds[i].tcp)
			continue;
		world_open(w, true);
		world_say(w, b, "too much");
		world_run(w, 0.05);
		world_say(w, a, "552 too much");
		world_hang_up(w, a);
		world_say(w, b, "and more");
		world_run(w, 1);
		assert_int_equal(w->over, 1);
		assert_string_equal(w->passage.why, "connection reset");
		assert_int_equal(w->passage.ended_by, a);
		world_hears(w, b, "552 too much");
		world_hears_end(w, b);
		world_close(w);
	}
}

/* splice stops before an urgent octet though the socket is readable (RFC 6093). */
static void
urgent_octets(void **state)
{
	struct world *w = *state;

	EACH_KIND(i) {
		enum passage_side a = kinds[i].first, b = other(a);

		if (!kinds[i].tcp)
			continue;
		world_open(w, true);
		for (int k = 0; k < 3; k++) {
			world_say(w, a, "abc");
			assert_int_equal(send(w->peer[a], "U", 1, MSG_OOB), 1);
			world_say(w, a, "def");
			assert_true(world_run(w, 0.2) <= 10);
			world_hears(w, b, "abcUdef");
		}
		assert_int_equal(send(w->peer[a], "V", 1, MSG_OOB), 1);
		world_hears(w, b, "V");
		assert_true(world_run(w, 0.2) <= 3);
		world_say(w, a, "after");
		world_hears(w, b, "after");
		assert_int_equal(w->passage.way[a].octets, 3 * 7 + 1 + 5);
		world_close(w);
	}
}

/* Whatever comes behind a body arrives: an urgent octet, at which splice stops, and lines again. */
static void
behind_a_body(void **state)
{
	struct world *w = *state;
	char body[BODY_OCTETS], piece[201] = "";

	memset(body, 'b', sizeof(body));
	memset(piece, 'b', sizeof(piece) - 1);
	EACH_KIND(i) {
		enum passage_side a = kinds[i].first, b = other(a);

		world_open(w, kinds[i].tcp);
		world_say(w, a, "a line");
		world_hears(w, b, "a line");
		assert_int_equal(send(w->peer[a], body, sizeof(body), MSG_DONTWAIT), sizeof(body));
		world_wait(w);
		if (kinds[i].tcp)
			assert_int_equal(send(w->peer[a], "U", 1, MSG_OOB), 1);
		world_say(w, a, "a line");
		for (size_t k = 0; k < sizeof(body) / (sizeof(piece) - 1); k++)
			world_hears(w, b, piece);
		world_hears(w, b, kinds[i].tcp ? "Ua line" : "a line");
		world_run(w, 0.1);
		assert_true(world_run(w, 0.2) <= 3);
		world_say(w, a, "and more");
		world_hears(w, b, "and more");
		world_close(w);
	}
}

/* Many of them, each used once and then idle: no turn of the loop but the test's own. */
static void
no_wake_up_without_data(void **state)
{
	static struct world idle[MANY];
	struct world *w = *state;

	for (int i = 0; i < MANY; i++) {
		idle[i].loop = w->loop;
		idle[i].door = w->door;
		world_open(&idle[i], i % 2);
		idle[i].passage.pipes = &w->pipes;
		world_say(&idle[i], PASSAGE_CLIENT, "x");
		world_hears(&idle[i], PASSAGE_SERVER, "x");
	}
	w->over = 0;
	assert_true(w->pipes.len <= 2);
	world_run(w, 0.1);
	assert_true(world_run(w, 1.0) <= 2);
	for (int i = 0; i < MANY; i++)
		world_close(&idle[i]);
}

static void
silence_ends_it(void **state)
{
	struct world *w = *state;

	world_open(w, true);
	assert_true(w->passage.idle_s >= PASSAGE_IDLE_S);
	passage_hurry(&w->passage, 0.8);
	world_run(w, 0.4);
	world_say(w, PASSAGE_SERVER, "x");
	world_hears(w, PASSAGE_CLIENT, "x");
	/* 0.8 s after its start the timer sees that something moved, and waits for the rest. */
	unsigned turns = world_run(w, 0.6);
	assert_true(turns <= 3);
	assert_int_equal(w->over, 0);
	world_run(w, 0.4);
	assert_int_equal(w->over, 1);
	assert_true(w->passage.timed_out);
	assert_string_equal(w->passage.why, "timed out");
	world_hears_end(w, PASSAGE_CLIENT);
	world_hears_end(w, PASSAGE_SERVER);
	world_close(w);
}

/* What has passed counts: one that has been silent for longer is over at once, from the loop. */
static void
hurry_counts_what_has_passed(void **state)
{
	struct world *w = *state;

	world_open(w, false);
	world_run(w, 0.5);
	passage_hurry(&w->passage, 0.4);
	assert_int_equal(w->over, 0);
	assert_true(world_run(w, 0.2) <= 3);
	assert_int_equal(w->over, 1);
	assert_true(w->passage.timed_out);
	world_close(w);
}

static void
options_are_set(void **state)
{
	struct world *w = *state;
	int ours[2], value;
	socklen_t len = sizeof(value);

	for (int side = 0; side < 2; side++) {
		world_tcp(w->door, &ours[side], &w->peer[side]);
		value = 1000;	/* left by who waited for a whole record */
		setsockopt(ours[side], SOL_SOCKET, SO_RCVLOWAT, &value, sizeof(value));
	}
	w->over = 0;
	w->closed = false;
	passage_open(&w->passage, w->loop, &w->pipes, ours[0], ours[1], world_is_over, w);
	for (int side = 0; side < 2; side++) {
		assert_int_equal(getsockopt(ours[side], SOL_SOCKET, SO_KEEPALIVE, &value, &len), 0);
		assert_int_equal(value, 1);
		assert_int_equal(getsockopt(ours[side], IPPROTO_TCP, TCP_USER_TIMEOUT, &value,
		    &len), 0);
		assert_int_equal(value, 600000);
		assert_int_equal(getsockopt(ours[side], IPPROTO_TCP, TCP_NODELAY, &value, &len), 0);
		assert_int_equal(value, 0);
	}
	world_say(w, PASSAGE_CLIENT, "x");
	world_hears(w, PASSAGE_SERVER, "x");
	world_close(w);
}

/* Neither by ends nor by resets nor by closing in the middle. */
static void
no_descriptor_is_left(void **state)
{
	struct world *w = *state;
	size_t before = world_descriptors();

	for (int k = 0; k < LEAK_ROUNDS; k++) {
		world_open(w, k % 2);
		world_say(w, PASSAGE_CLIENT, "x");
		if (k % 5 != 0)
			world_hears(w, PASSAGE_SERVER, "x");
		if (k % 3 == 0) {
			world_reset(w, PASSAGE_SERVER);
			world_run(w, 0.001);
		} else if (k % 3 == 1) {
			world_hang_up(w, PASSAGE_CLIENT);
			world_run(w, 0.001);
		}
		world_close(w);
	}
	assert_true(world_descriptors() <= before + 2 * w->pipes.len);
	assert_true(w->pipes.len <= PIPES_KEPT);
}

/* Octets wait where they are, the loop does not turn, and a second later all is well. */
static void
no_descriptors_for_a_pipe(void **state)
{
	struct world *w = *state;
	struct rlimit was, low;

	pipes_close(&w->pipes);
	world_open(w, true);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	low = was;
	low.rlim_cur = 3;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	world_say(w, PASSAGE_CLIENT, "to the server");
	world_say(w, PASSAGE_SERVER, "to the client");
	unsigned turns = world_run(w, 1.5);
	bool starved = w->passage.way[0].starved && w->passage.way[1].starved;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	assert_true(turns <= 8);
	assert_true(starved);
	assert_int_equal(w->over, 0);
	world_hears(w, PASSAGE_SERVER, "to the server");
	world_hears(w, PASSAGE_CLIENT, "to the client");
	world_hang_up(w, PASSAGE_CLIENT);
	world_hears_end(w, PASSAGE_SERVER);
	world_close(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(octets_pass), cmocka_unit_test(single_octets),
		cmocka_unit_test(half_close), cmocka_unit_test(both_end_at_once),
		cmocka_unit_test(unread_at_the_end), cmocka_unit_test(over_once),
		cmocka_unit_test(resets), cmocka_unit_test(reset_after_the_end),
		cmocka_unit_test(resets), cmocka_unit_test(end_after_a_reset),
		cmocka_unit_test(last_words_before_a_reset), cmocka_unit_test(urgent_octets),
		cmocka_unit_test(behind_a_body),
		cmocka_unit_test(no_wake_up_without_data), cmocka_unit_test(silence_ends_it),
		cmocka_unit_test(hurry_counts_what_has_passed), cmocka_unit_test(options_are_set),
		cmocka_unit_test(no_descriptor_is_left),
		cmocka_unit_test(no_descriptors_for_a_pipe),
	};

	return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
