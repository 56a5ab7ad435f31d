/* users_test.c - which domains use an address: learnt, kept, lapsed; what a flood may do
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/teststore.h"

#include "policy/users.h"

#define HOUR (3600ull * 1000)
#define DAY (24 * HOUR)

struct fixture {
	struct testworld *t;
	struct store *store;
	struct users *users;
	struct in6_addr one, two;
	char got[4096];		/* the domains of the address asked for last, "a;b;" */
};

static void
begin(void *fixture)
{
	struct fixture *f = fixture;

	f->one = testworld_ip("192.0.2.1");
	f->two = testworld_ip("2001:db8::2");
	f->store = teststore_open(f->t);
	f->users = users_new(&f->t->world, f->store);
	assert_non_null(f->users);
}

static void
end(void *fixture)
{
	struct fixture *f = fixture;

	users_free(f->users);
	store_close(f->store);
}

static struct testworld_parts parts = { sizeof(struct fixture), begin, end };

static void
on_each(void *arg, const char *domain)
{
	struct fixture *f = arg;
	size_t len = strlen(f->got);

	snprintf(f->got + len, sizeof(f->got) - len, "%s;", domain);
}

static enum users_state
ask(struct fixture *f, const struct in6_addr *ip)
{
	enum users_state state;

	f->got[0] = '\0';
	state = users_of(f->users, ip, on_each, f);
	assert_int_equal(state == USERS_KNOWN, f->got[0] != '\0');
	return state;
}

/* The one domain that is known there, or "none", "crowded". */
static void
assert_of(struct fixture *f, const struct in6_addr *ip, const char *domain)
{
	enum users_state state = ask(f, ip);

	if (state == USERS_NONE)
		strcpy(f->got, "none");
	if (state == USERS_CROWDED)
		strcpy(f->got, "crowded");
	assert_string_equal(f->got, domain);
}

static struct in6_addr
address(unsigned i)
{
	struct in6_addr ip = { .s6_addr = { 0x20, 0x01, 0x0d, 0xb8, 1 } };

	ip.s6_addr[13] = (uint8_t)(i >> 16);
	ip.s6_addr[14] = (uint8_t)(i >> 8);
	ip.s6_addr[15] = (uint8_t)i;
	return ip;
}

/* Forged hints for so many addresses, none of which a session ever asks for. */
static void
flood(struct fixture *f, unsigned from, unsigned len)
{
	for (unsigned i = from; i < from + len; i++) {
		struct in6_addr ip = address(i);

		users_saw(f->users, "forged.example", &ip);
	}
}

static void
fill_up(struct fixture *f, const struct in6_addr *ip, unsigned len)
{
	char name[32];

	for (unsigned i = 0; i < len; i++) {
		snprintf(name, sizeof(name), "d%u.example", i);
		users_saw(f->users, name, ip);
	}
}

static void
by_address(void **state)
{
	struct fixture *f = *state;

	assert_of(f, &f->one, "none");
	users_saw(f->users, "a.example", &f->one);
	users_saw(f->users, "a.example", &f->one);
	users_saw(f->users, "b.example", &f->two);
	assert_of(f, &f->one, "a.example;");
	assert_of(f, &f->two, "b.example;");
	users_saw(f->users, "b.example", &f->one);
	assert_int_equal(ask(f, &f->one), USERS_KNOWN);
	assert_int_equal(strlen(f->got), strlen("a.example;b.example;"));
	assert_int_equal(users_length(f->users), 3);
}

/* An address literal is no domain; a hint of a domain alone has no address. */
static void
nothing_to_learn(void **state)
{
	struct fixture *f = *state;

	users_saw(f->users, "", &f->one);
	users_saw(f->users, "a.example", &in6addr_any);
	assert_of(f, &f->one, "none");
	assert_of(f, &in6addr_any, "none");
	assert_int_equal(users_length(f->users), 0);
}

static void
lapses_after_it_was_last_seen(void **state)
{
	struct fixture *f = *state;

	users_saw(f->users, "a.example", &f->one);
	users_saw(f->users, "b.example", &f->one);
	testworld_run(f->t, 5 * DAY);
	users_saw(f->users, "a.example", &f->one);
	testworld_run(f->t, 2 * DAY - HOUR);
	assert_int_equal(ask(f, &f->one), USERS_KNOWN);
	assert_int_equal(strlen(f->got), strlen("a.example;b.example;"));
	f->t->now_ms += (int64_t)(2 * HOUR);	/* at once, not when it is tended next */
	assert_of(f, &f->one, "a.example;");
	testworld_run(f->t, 5 * DAY);
	assert_of(f, &f->one, "none");
	assert_int_equal(users_length(f->users), 0);
	testworld_run(f->t, 2000);
	end(f);
	begin(f);
	assert_int_equal(users_length(f->users), 0);
}

struct on_disk {
	unsigned entries;
	int64_t last;
};

static void
count(void *arg, const struct store_user *user)
{
	struct on_disk *d = arg;

	d->entries++;
	d->last = user->last;
}

static struct on_disk
on_disk(struct fixture *f)
{
	struct on_disk d = { 0, 0 };

	store_each_user(f->store, count, &d);
	return d;
}

static void
written_at_most_daily(void **state)
{
	struct fixture *f = *state;
	int64_t first;

	users_saw(f->users, "a.example", &f->one);
	assert_int_equal(on_disk(f).entries, 0);
	testworld_run(f->t, 1500);
	first = on_disk(f).last;
	assert_int_not_equal(first, 0);
	for (int i = 0; i < 20; i++) {
		testworld_run(f->t, HOUR);
		users_saw(f->users, "a.example", &f->one);
	}
	assert_int_equal(on_disk(f).last, first);
	testworld_run(f->t, DAY / 4);
	users_saw(f->users, "a.example", &f->one);
	testworld_run(f->t, 1500);
	assert_true(on_disk(f).last > first);
	assert_int_equal(on_disk(f).entries, 1);
}

static void
survives_a_restart(void **state)
{
	struct fixture *f = *state;

	users_saw(f->users, "a.example", &f->one);
	users_saw(f->users, "b.example", &f->two);
	end(f);
	begin(f);
	assert_of(f, &f->one, "a.example;");
	assert_of(f, &f->two, "b.example;");
	end(f);
	f->t->now_ms += (int64_t)(8 * DAY);
	begin(f);
	assert_int_equal(users_length(f->users), 0);
	testworld_run(f->t, 1500);
	assert_int_equal(on_disk(f).entries, 0);
}

static void
crowded_until_the_others_lapse(void **state)
{
	struct fixture *f = *state;

	fill_up(f, &f->one, USERS_DOMAINS_MAX);
	assert_int_equal(ask(f, &f->one), USERS_KNOWN);
	users_saw(f->users, "one.too.many.example", &f->one);
	assert_of(f, &f->one, "crowded");
	end(f);
	begin(f);
	assert_of(f, &f->one, "crowded");
	testworld_run(f->t, 6 * DAY);
	users_saw(f->users, "d7.example", &f->one);
	assert_of(f, &f->one, "crowded");
	testworld_run(f->t, DAY + HOUR);
	assert_of(f, &f->one, "d7.example;");
	end(f);
	begin(f);
	assert_of(f, &f->one, "d7.example;");
}

/* What cannot be kept must not be forgotten either. */
static void
no_key_of_the_store(void **state)
{
	static const char *const blank = "a b.example";
	struct fixture *f = *state;
	char longest[USERS_DOMAIN_MAX + 2];

	memset(longest, 'x', sizeof(longest));
	longest[USERS_DOMAIN_MAX] = '\0';
	users_saw(f->users, longest, &f->one);
	end(f);
	begin(f);
	assert_int_equal(ask(f, &f->one), USERS_KNOWN);
	assert_int_equal(strlen(f->got), USERS_DOMAIN_MAX + 1);
	longest[USERS_DOMAIN_MAX] = 'x';
	longest[USERS_DOMAIN_MAX + 1] = '\0';
	users_saw(f->users, longest, &f->one);
	users_saw(f->users, blank, &f->two);
	assert_of(f, &f->one, "crowded");
	assert_of(f, &f->two, "crowded");
}

static void
forgets(void **state)
{
	struct fixture *f = *state;

	users_saw(f->users, "a.example", &f->one);
	users_saw(f->users, "b.example", &f->one);
	users_saw(f->users, "a.example", &f->two);
	testworld_run(f->t, 1500);
	assert_true(users_forget(f->users, "a.example"));
	assert_false(users_forget(f->users, "a.example"));
	assert_false(users_forget(f->users, ""));
	assert_of(f, &f->one, "b.example;");
	assert_of(f, &f->two, "none");
	users_saw(f->users, "a.example", &f->two);	/* anew, before the old one is off the disk */
	end(f);
	begin(f);
	assert_of(f, &f->one, "b.example;");
	assert_of(f, &f->two, "a.example;");
	assert_int_equal(on_disk(f).entries, 2);
}

static void
clock_set_back(void **state)
{
	struct fixture *f = *state;

	users_saw(f->users, "a.example", &f->one);
	testworld_run(f->t, 1500);
	f->t->now_ms -= (int64_t)(3650 * DAY);
	assert_of(f, &f->one, "a.example;");
	testworld_run(f->t, 8 * DAY);
	assert_of(f, &f->one, "none");
}

/* The addresses that sessions use stay whole; the others give way whole. */
static void
flooded(void **state)
{
	struct fixture *f = *state;
	struct in6_addr old = address(5000000);

	users_saw(f->users, "a.example", &f->one);
	users_saw(f->users, "b.example", &f->one);
	assert_int_equal(ask(f, &f->one), USERS_KNOWN);
	users_saw(f->users, "a.example", &old);
	users_saw(f->users, "b.example", &old);
	for (unsigned i = 0; i < 4; i++) {
		flood(f, i * USERS_MAX, USERS_MAX);
		testworld_run(f->t, 1500);
	}
	assert_in_range(users_length(f->users), USERS_MAX - 2, USERS_MAX + 2);
	testworld_run(f->t, 10000);
	assert_int_equal(ask(f, &f->one), USERS_KNOWN);
	assert_int_equal(strlen(f->got), strlen("a.example;b.example;"));
	assert_of(f, &old, "none");
	assert_in_range(on_disk(f).entries, USERS_MAX - 2, USERS_MAX + 3);
	end(f);
	begin(f);
	assert_int_equal(ask(f, &f->one), USERS_KNOWN);
	assert_int_equal(strlen(f->got), strlen("a.example;b.example;"));
}

/* The domains left of half an address would demand less than all of them. */
static void
gives_way_whole(void **state)
{
	struct fixture *f = *state;

	users_saw(f->users, "a.example", &f->two);
	users_saw(f->users, "b.example", &f->two);
	flood(f, 0, USERS_MAX - 2);
	assert_int_equal(users_length(f->users), USERS_MAX);
	users_saw(f->users, "c.example", &f->one);
	assert_of(f, &f->two, "none");
	assert_int_equal(users_length(f->users), USERS_MAX);	/* c and the others */
}

/* What was known of an address that gave way is not demanded of it any more: until all that could
 * use it has been seen anew, it is crowded, after a restart too. */
static void
learnt_anew_after_a_flood(void **state)
{
	struct fixture *f = *state;

	users_saw(f->users, "strict.example", &f->one);
	assert_of(f, &f->one, "strict.example;");
	testworld_run(f->t, 2 * DAY);	/* and no session since then */
	flood(f, 0, USERS_MAX + 500);
	assert_of(f, &f->one, "none");
	users_saw(f->users, "forged.example", &f->one);
	assert_of(f, &f->one, "crowded");
	end(f);
	begin(f);
	assert_of(f, &f->one, "crowded");
	users_saw(f->users, "forged.example", &f->two);
	assert_of(f, &f->two, "crowded");
	testworld_run(f->t, 6 * DAY);
	users_saw(f->users, "strict.example", &f->one);
	assert_of(f, &f->one, "crowded");
	testworld_run(f->t, DAY + HOUR);
	assert_of(f, &f->one, "strict.example;");
}

/* Where all are in use a new address finds no room, and a new domain crowds its address. */
static void
full_of_addresses_in_use(void **state)
{
	struct fixture *f = *state;

	flood(f, 0, USERS_MAX);
	for (unsigned i = 0; i < USERS_MAX; i++) {
		struct in6_addr ip = address(i);

		assert_int_equal(ask(f, &ip), USERS_KNOWN);
	}
	users_saw(f->users, "a.example", &f->one);
	assert_of(f, &f->one, "none");
	f->two = address(17);
	users_saw(f->users, "a.example", &f->two);
	assert_of(f, &f->two, "crowded");
	assert_int_equal(users_length(f->users), USERS_MAX + 1);
	testworld_run(f->t, DAY + 2 * HOUR);	/* nobody asks: now one gives way */
	users_saw(f->users, "a.example", &f->one);
	assert_of(f, &f->one, "crowded");
	assert_true(users_length(f->users) <= USERS_MAX + 1);
}

/* Until the first of them is forgotten; and whether one is there, which is no question. */
static void
how_long(void **state)
{
	struct fixture *f = *state;

	users_saw(f->users, "a.example", &f->one);
	testworld_run(f->t, 2 * DAY);
	users_saw(f->users, "b.example", &f->one);
	assert_int_equal(users_left(f->users, &f->one), (USERS_DAYS - 2) * DAY);
	assert_true(users_knows(f->users, "a.example", &f->one));
	assert_false(users_knows(f->users, "c.example", &f->one));
	assert_false(users_knows(f->users, "a.example", &f->two));
	testworld_run(f->t, (USERS_DAYS - 2) * DAY + 1000);
	assert_false(users_knows(f->users, "a.example", &f->one));
	assert_int_equal(users_left(f->users, &f->one), 2 * DAY - 1000);
	assert_of(f, &f->one, "b.example;");
	/* What is crowded answers for nobody. */
	fill_up(f, &f->one, USERS_DOMAINS_MAX + 1);
	assert_false(users_knows(f->users, "b.example", &f->one));
}

#define MANY ((USERS_MAX + USERS_MAX / 8 + 2048) / 2)

/* With the store of a table that was larger: no address loses only some of its domains. */
static void
more_on_disk_than_fits(void **state)
{
	struct fixture *f = *state;
	struct store_user batch[2 * 512];
	unsigned known[3] = { 0 };
	size_t n = 0;

	assert_int_equal(MANY % 512, 0);
	for (unsigned i = 0; i < MANY; i++) {
		batch[n++] = (struct store_user){ address(i), "a.example", f->t->now_ms / 1000 };
		batch[n++] = (struct store_user){ address(i), "b.example", f->t->now_ms / 1000 };
		if (n == 2 * 512) {
			assert_true(store_put_users(f->store, batch, n));
			n = 0;
		}
	}
	end(f);
	begin(f);
	assert_true(users_length(f->users) <= USERS_MAX + USERS_MAX / 8 + 1);
	for (unsigned i = 0; i < MANY; i++) {
		struct in6_addr ip = address(i);
		enum users_state s = ask(f, &ip);

		known[s]++;
		assert_true(s != USERS_KNOWN || strlen(f->got) == 20);
	}
	assert_true(known[USERS_KNOWN] > 10000 && known[USERS_NONE] > 500);
	testworld_run(f->t, 10000);
	assert_in_range(on_disk(f).entries, users_length(f->users), users_length(f->users) + 1);
}

#define T(name) TESTWORLD_TEST(name, parts)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(by_address), T(nothing_to_learn), T(lapses_after_it_was_last_seen),
		T(written_at_most_daily), T(survives_a_restart), T(crowded_until_the_others_lapse),
		T(no_key_of_the_store), T(forgets), T(clock_set_back), T(flooded),
		T(gives_way_whole), T(learnt_anew_after_a_flood), T(full_of_addresses_in_use),
		T(more_on_disk_than_fits), T(how_long)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
