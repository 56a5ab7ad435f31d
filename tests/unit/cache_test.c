/* cache_test.c - the bounded table by name
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/cache.h"

#define MANY 5000

struct item {
	struct cache_entry node;
	size_t len;
	bool there, busy;
	char name[24];
};

static struct item *
items(void)
{
	struct item *all = calloc(MANY, sizeof(*all));

	assert_non_null(all);
	for (unsigned i = 0; i < MANY; i++)
		all[i].len = (size_t)snprintf(all[i].name, sizeof(all[i].name), "n%u.example", i);
	return all;
}

static void
add(struct cache *c, struct item *i)
{
	cache_add(c, &i->node, i->name, i->len);
	i->there = true;
}

static void
take(struct cache *c, struct item *i)
{
	cache_remove(c, &i->node);
	i->there = false;
}

static void
finds_what_is_there(struct cache *c, const struct item *all)
{
	size_t n = 0;

	for (unsigned i = 0; i < MANY; i++) {
		const struct cache_entry *e = cache_find(c, all[i].name, all[i].len);

		assert_ptr_equal(e, all[i].there ? &all[i].node : NULL);
		n += all[i].there;
	}
	assert_int_equal(cache_length(c), n);
	for (const struct cache_entry *e = cache_next(c, NULL); e != NULL; e = cache_next(c, e))
		n--;
	assert_int_equal(n, 0);
}

/* Added, taken out and added again in any order, while the table widens and is emptied. */
static void
the_table_holds_what_was_added(void **state)
{
	struct item *all = items();
	struct cache c;

	(void)state;
	cache_init(&c);
	finds_what_is_there(&c, all);
	for (unsigned round = 0; round < 4; round++) {
		for (unsigned i = 0; i < MANY; i++)
			if (!all[i].there && i % 4 != round)
				add(&c, &all[i]);
		finds_what_is_there(&c, all);
		for (unsigned i = round; i < MANY; i += 3)
			if (all[i].there)
				take(&c, &all[i]);
		finds_what_is_there(&c, all);
	}
	for (unsigned i = 0; i < MANY; i++)
		if (all[i].there)
			take(&c, &all[i]);
	finds_what_is_there(&c, all);
	assert_null(c.table);
	free(all);
}

static void
keys_are_octets_of_any_length(void **state)
{
	static unsigned char octets[256];
	struct item all[256];
	struct cache c;

	(void)state;
	cache_init(&c);
	memset(all, 0, sizeof(all));
	for (size_t len = 0; len < 256; len++)
		cache_add(&c, &all[len].node, octets, len);
	for (size_t len = 0; len < 256; len++)
		assert_ptr_equal(cache_find(&c, octets, len), &all[len].node);
	assert_null(cache_find(&c, octets, 256));
	assert_null(cache_find(&c, "\1", 1));
	for (size_t len = 0; len < 256; len++)
		cache_remove(&c, &all[len].node);
}

static int
by_hash(const void *a, const void *b)
{
	unsigned x = ((const struct item *)a)->node.hh.hashv,
	    y = ((const struct item *)b)->node.hh.hashv;

	return (x > y) - (x < y);
}

/* Of so many names some have the same hash; which, is the same each time with this secret. */
static void
a_collision_is_no_match(void **state)
{
	const unsigned len = 200000;
	struct item *all = calloc(len, sizeof(*all));
	unsigned collisions = 0;
	struct cache c;

	(void)state;
	assert_non_null(all);
	cache_init(&c);
	c.secret = (struct siphash_key){ 0, 0 };
	for (unsigned i = 0; i < len; i++) {
		all[i].len = (size_t)snprintf(all[i].name, sizeof(all[i].name), "n%u.example", i);
		add(&c, &all[i]);
		assert_ptr_equal(cache_find(&c, all[i].name, all[i].len), &all[i].node);
	}
	assert_int_equal(cache_length(&c), len);
	while (cache_length(&c) > 0)
		cache_remove(&c, cache_next(&c, NULL));
	qsort(all, len, sizeof(*all), by_hash);
	for (unsigned i = 1; i < len; i++) {
		if (all[i].node.hh.hashv != all[i - 1].node.hh.hashv)
			continue;
		collisions++;
		add(&c, &all[i]);
		assert_null(cache_find(&c, all[i - 1].name, all[i - 1].len));
		add(&c, &all[i - 1]);
		assert_ptr_equal(cache_find(&c, all[i].name, all[i].len), &all[i].node);
		take(&c, &all[i - 1]);
		assert_ptr_equal(cache_find(&c, all[i].name, all[i].len), &all[i].node);
		take(&c, &all[i]);
	}
	assert_true(collisions > 0);
	free(all);
}

static void
each_table_has_its_own_secret(void **state)
{
	struct cache a, b;

	(void)state;
	cache_init(&a);
	cache_init(&b);
	assert_memory_not_equal(&a.secret, &b.secret, sizeof(a.secret));
}

static bool
is_busy(const struct cache_entry *e)
{
	return ((const struct item *)e)->busy;
}

/* In the order of their insertion, but for those found or busy. */
static void
what_was_not_used_for_the_longest_goes_first(void **state)
{
	struct item *all = items();
	struct cache c;

	(void)state;
	cache_init(&c);
	assert_null(cache_victim(&c, is_busy));
	for (unsigned i = 0; i < 6; i++) {
		add(&c, &all[i]);
		all[i].node.used = false;
	}
	all[0].busy = true;
	assert_non_null(cache_find(&c, all[1].name, all[1].len));
	assert_ptr_equal(cache_victim(&c, is_busy), &all[2].node);
	assert_ptr_equal(cache_victim(&c, is_busy), &all[2].node);
	take(&c, &all[2]);
	for (unsigned i = 3; i < 6; i++) {
		assert_ptr_equal(cache_victim(&c, is_busy), &all[i].node);
		take(&c, &all[i]);
	}
	assert_ptr_equal(cache_victim(&c, is_busy), &all[1].node);
	take(&c, &all[1]);
	assert_null(cache_victim(&c, is_busy));
	finds_what_is_there(&c, all);
	take(&c, &all[0]);
	free(all);
}

static void
one_may_go_once_the_next_was_taken(void **state)
{
	struct item *all = items();
	struct cache_entry *next;
	struct cache c;
	unsigned n = 0;

	(void)state;
	cache_init(&c);
	for (unsigned i = 0; i < MANY; i++)
		add(&c, &all[i]);
	for (struct cache_entry *e = cache_next(&c, NULL); e != NULL; e = next) {
		assert_ptr_equal(e, &all[n++].node);
		next = cache_next(&c, e);
		cache_remove(&c, e);
	}
	assert_int_equal(n, MANY);
	assert_int_equal(cache_length(&c), 0);
	free(all);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_holds_what_was_added),
		cmocka_unit_test(keys_are_octets_of_any_length),
		cmocka_unit_test(a_collision_is_no_match),
		cmocka_unit_test(each_table_has_its_own_secret),
		cmocka_unit_test(what_was_not_used_for_the_longest_goes_first),
		cmocka_unit_test(one_may_go_once_the_next_was_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
