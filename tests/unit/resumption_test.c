/* resumption_test.c - the table of remembered sessions: bounded, fair, and not for ever
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/testca.h"
#include "tls/resumption.h"

#define HOST "mx.example.org"

static struct testca_cert leaf;
static const uint8_t none[TLSA_DIGEST];	/* without TLSA records */
static int item_index;			/* ex_data of a session: the model's item */

static void
is_gone(void *parent, void *item, CRYPTO_EX_DATA *ad, int index, long argl, void *argp)
{
	(void)parent, (void)ad, (void)index, (void)argl, (void)argp;
	if (item)
		*(bool *)item = true;
}

static int
setup(void **state)
{
	(void)state;
	leaf = testca_issue(&(struct testca_spec){ .dns = HOST });
	item_index = SSL_SESSION_get_ex_new_index(0, NULL, NULL, NULL, is_gone);
	return item_index < 0;
}

static int
teardown(void **state)
{
	(void)state;
	testca_free(&leaf);
	return 0;
}

static struct evidence *
evidence(time_t *now)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	STACK_OF(X509) *sent = sk_X509_new_null();
	struct evidence *e;

	assert_true(sk_X509_push(sent, leaf.x509) > 0);
	assert_true(X509_STORE_CTX_init(ctx, store, leaf.x509, sent));
	e = evidence_collect(ctx, NULL, NULL);
	assert_non_null(e);
	*now = evidence_made(e);
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	sk_X509_free(sent);
	return e;
}

static SSL_SESSION *
session_of(int version, long got, size_t id)
{
	SSL_SESSION *s = SSL_SESSION_new();

	assert_true(SSL_SESSION_set_protocol_version(s, version));
	assert_true(SSL_SESSION_set1_id(s, (const unsigned char *)&id, sizeof id));
	SSL_SESSION_set_time(s, got);
	SSL_SESSION_set_timeout(s, 1000000);
	return s;
}

static SSL_SESSION *
tls12_session(long got, size_t id)
{
	return session_of(TLS1_2_VERSION, got, id);
}

/* So many tickets for the slot of that name. */
static void
give(struct resumption *r, size_t name, size_t count, time_t got, struct evidence *e)
{
	unsigned char tag[RESUMPTION_TAG];

	assert_true(resumption_tag(r, tag, HOST, &name, sizeof name, none));
	for (size_t i = 0; i < count; i++)
		assert_true(resumption_keep(r, tag, session_of(TLS1_3_VERSION, got, i), e));
}

/* How many tickets the slot had; afterwards it has none. */
static size_t
take_all(struct resumption *r, size_t name, time_t now)
{
	unsigned char tag[RESUMPTION_TAG];
	struct evidence *held;
	SSL_SESSION *s;
	size_t count = 0;

	assert_true(resumption_tag(r, tag, HOST, &name, sizeof name, none));
	while ((s = resumption_take(r, tag, now, &held)) != NULL) {
		count++;
		evidence_release(held);
		SSL_SESSION_free(s);
	}
	return count;
}

/* More slots than the table has places: it forgets, and nothing leaks. */
static void
the_table_is_bounded(void **state)
{
	struct resumption *r = resumption_new();
	unsigned char tag[RESUMPTION_TAG];
	time_t now;
	struct evidence *e = evidence(&now), *held;
	size_t kept = 0;

	(void)state;
	for (size_t i = 0; i < 20000; i++) {
		assert_true(resumption_tag(r, tag, HOST, &i, sizeof i, none));
		assert_true(resumption_keep(r, tag, tls12_session(now, i), e));
	}
	for (size_t i = 0; i < 20000; i++) {
		SSL_SESSION *s;

		assert_true(resumption_tag(r, tag, HOST, &i, sizeof i, none));
		s = resumption_take(r, tag, now, &held);
		if (!s)
			continue;
		kept++;
		evidence_release(held);
		SSL_SESSION_free(s);
	}
	assert_int_equal(kept, RESUMPTION_MAX);
	evidence_release(e);
	resumption_free(r);
}

/* Of the slot's own the oldest goes. Sessions that serve again and again take one place. */
static void
a_slot_has_few_places(void **state)
{
	static const struct { int version; size_t places; } kinds[] = {
		{ TLS1_3_VERSION, RESUMPTION_SLOT_MAX }, { TLS1_2_VERSION, 1 },
	};
	time_t now;
	struct evidence *e = evidence(&now), *held;

	(void)state;
	for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
		struct resumption *r = resumption_new();
		unsigned char tag[RESUMPTION_TAG];
		bool gone[600] = { false };

		assert_true(resumption_tag(r, tag, HOST, "a", 1, none));
		for (size_t i = 0; i < 600; i++) {
			SSL_SESSION *s = session_of(kinds[k].version, now, i);

			assert_true(SSL_SESSION_set_ex_data(s, item_index, &gone[i]));
			assert_true(resumption_keep(r, tag, s, e));
			assert_false(i >= kinds[k].places && !gone[i - kinds[k].places]);
			assert_false(gone[i >= kinds[k].places ? i - kinds[k].places + 1 : 0]);
		}
		resumption_forget(r, tag);
		for (size_t i = 0; i < 600; i++)
			assert_true(gone[i]);
		assert_null(resumption_take(r, tag, now, &held));
		resumption_free(r);
	}
	evidence_release(e);
}

/* A server that floods the table loses its own, and leaves a share to each that came before it and
 * comes after it; a busy host has the room of those that were done with an hour ago. */
static void
a_flood_drowns_nobody(void **state)
{
	static const struct { long later; size_t quiet, flood; } cases[] = {
		{ 0, 64, 448 }, { 3600, 64, 448 }, { 3601, 0, 512 },
	};
	time_t now;
	struct evidence *e = evidence(&now);

	(void)state;
	for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
		struct resumption *r = resumption_new();
		time_t then = now + cases[k].later;

		give(r, 0, 64, now, e);
		for (size_t i = 1; i <= 7; i++)
			give(r, i, 512, then, e);
		give(r, 8, 448, then, e);
		give(r, 9, 64, then, e);	/* the table was full: who pays? */
		assert_int_equal(take_all(r, 0, then), cases[k].quiet);
		assert_int_equal(take_all(r, 9, then), 64);
		assert_int_equal(take_all(r, 8, then), 448);
		for (size_t i = 1; i <= 7; i++)
			assert_in_range(take_all(r, i, then), cases[k].quiet ? 502 : 512, 512);
		resumption_free(r);
	}
	evidence_release(e);
}

/* With a share at most each, the oldest of all goes; who has one more pays for it. */
static void
a_share_is_64(void **state)
{
	static const struct { size_t before, last, first_left; } cases[] = {
		{ 63, 64, 0 }, { 62, 65, 1 },
	};
	time_t now;
	struct evidence *e = evidence(&now);

	(void)state;
	for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
		struct resumption *r = resumption_new();

		give(r, 0, 1, now, e);
		for (size_t i = 1; i < 63; i++)
			give(r, i, 64, now, e);
		give(r, 63, cases[k].before, now, e);
		give(r, 64, cases[k].last, now, e);
		give(r, 65, 1, now, e);
		assert_int_equal(take_all(r, 0, now), cases[k].first_left);
		assert_int_equal(take_all(r, 64, now), 64);
		assert_int_equal(take_all(r, 65, now), 1);
		resumption_free(r);
	}
	evidence_release(e);
}

/* After a day the chain is verified afresh; a clock set back makes nothing valid. */
static void
a_session_ages(void **state)
{
	static const struct { long later; bool taken; } at[] = {
		{ 0, true }, { 86399, true }, { -1, false }, { 0, false },
	};
	struct resumption *r = resumption_new();
	unsigned char tag[RESUMPTION_TAG], other[RESUMPTION_TAG];
	time_t now;
	struct evidence *e = evidence(&now), *held;

	(void)state;
	assert_true(resumption_tag(r, tag, HOST, "a", 1, none));
	assert_true(resumption_keep(r, tag, tls12_session(now, 1), e));
	for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
		SSL_SESSION *s = resumption_take(r, tag, now + at[i].later, &held);

		assert_int_equal(s != NULL, at[i].taken);
		if (s)
			evidence_release(held);
		SSL_SESSION_free(s);
	}
	assert_true(resumption_keep(r, tag, tls12_session(now, 1), e));
	assert_null(resumption_take(r, tag, now + 86400, &held));
	assert_false(resumption_tag(r, other, HOST, HOST HOST HOST HOST HOST, 65, none));
	evidence_release(e);
	resumption_free(r);
}

/* As many sessions at once as a slot has places: each gets a ticket of its own. */
static void
a_ticket_is_given_out_once(void **state)
{
	struct resumption *r = resumption_new();
	unsigned char tag[RESUMPTION_TAG];
	static SSL_SESSION *taken[RESUMPTION_SLOT_MAX];
	time_t now;
	struct evidence *e = evidence(&now), *held;

	(void)state;
	assert_true(resumption_tag(r, tag, HOST, "a", 1, none));
	for (size_t i = 0; i < RESUMPTION_SLOT_MAX + 6; i++) {
		SSL_SESSION *s = session_of(TLS1_3_VERSION, now, i);

		assert_true(resumption_keep(r, tag, s, e));
	}
	for (size_t i = 0; i < RESUMPTION_SLOT_MAX; i++) {
		taken[i] = resumption_take(r, tag, now, &held);
		assert_non_null(taken[i]);
		for (size_t k = 0; k < i; k++)
			assert_ptr_not_equal(taken[k], taken[i]);
		evidence_release(held);
	}
	assert_null(resumption_take(r, tag, now, &held));
	for (size_t i = 0; i < RESUMPTION_SLOT_MAX; i++)
		SSL_SESSION_free(taken[i]);
	evidence_release(e);
	resumption_free(r);
}

/* --- against a plain list ----------------------------------------------------------------------- */

#define SLOTS 6000
#define STEPS 60000
#define SHARE 64
#define LAIN_MAX 3600

struct item {
	bool gone;		/* the session was freed: nobody refers to it any more */
	bool once;
	size_t slot, wanted;	/* wanted: the step at which it was kept or given out last */
	time_t since, until;
	SSL_SESSION *session;
};

struct model {
	struct resumption *r;
	struct evidence *e;
	time_t now;
	uint64_t seed;
	size_t count, step, of_slot[SLOTS];
	struct item *here[RESUMPTION_MAX];	/* in the order in which they were kept */
};

static size_t
chance(struct model *m, size_t below)
{
	m->seed = m->seed * 6364136223846793005u + 1442695040888963407u;
	return (size_t)(m->seed >> 33) % below;
}

/* A few slots get most of it, and there are more than the table has places. */
static size_t
any_slot(struct model *m)
{
	return chance(m, 3) > 0 ? chance(m, 12) : chance(m, SLOTS);
}

static void
remove_item(struct model *m, struct item *item)
{
	size_t i = 0;

	while (m->here[i] != item)
		i++;
	m->count--;
	m->of_slot[item->slot]--;
	memmove(&m->here[i], &m->here[i + 1], (m->count - i) * sizeof *m->here);
}

static struct item *
newest_of(const struct model *m, size_t slot)
{
	for (size_t i = m->count; i > 0; i--)
		if (m->here[i - 1]->slot == slot)
			return m->here[i - 1];
	return NULL;
}

static struct item *
oldest_of(const struct model *m, size_t slot)
{
	for (size_t i = 0; i < m->count; i++)
		if (m->here[i]->slot == slot)
			return m->here[i];
	return NULL;
}

/* The one that is gone, where somebody has to go; of several slots with the most, any pays. */
static void
check_loss(struct model *m, const struct item *item)
{
	struct item *newest = newest_of(m, item->slot), *first = m->here[0], *lost = NULL;
	size_t most = 0;

	for (size_t i = 0; i < m->count; i++) {
		if (m->here[i]->wanted < first->wanted)
			first = m->here[i];
		if (m->of_slot[m->here[i]->slot] > most)
			most = m->of_slot[m->here[i]->slot];
		if (!m->here[i]->gone)
			continue;
		assert_null(lost);
		lost = m->here[i];
	}
	if (newest && !newest->once && !item->once)
		assert_ptr_equal(lost, newest);
	else if (m->of_slot[item->slot] == RESUMPTION_SLOT_MAX)
		assert_ptr_equal(lost, oldest_of(m, item->slot));
	else if (m->count < RESUMPTION_MAX)
		assert_null(lost);
	else if (most <= SHARE || item->since - first->since > LAIN_MAX)
		assert_ptr_equal(lost, first);
	else if (assert_non_null(lost), m->of_slot[lost->slot] != most)
		fail();
	else
		assert_ptr_equal(lost, oldest_of(m, lost->slot));
	if (lost)
		remove_item(m, lost);
}

static void
model_keep(struct model *m, struct item *item, size_t slot, const unsigned char *tag)
{
	long lasts = chance(m, 4) > 0 ? 100000 : 300;

	*item = (struct item){ .once = chance(m, 8) > 0, .slot = slot, .wanted = m->step,
	    .since = m->now, .until = m->now + lasts };
	item->session = session_of(item->once ? TLS1_3_VERSION : TLS1_2_VERSION, m->now, m->step);
	SSL_SESSION_set_timeout(item->session, lasts);
	assert_true(SSL_SESSION_set_ex_data(item->session, item_index, &item->gone));
	assert_true(resumption_keep(m->r, tag, item->session, m->e));
	check_loss(m, item);
	m->here[m->count++] = item;
	m->of_slot[slot]++;
}

static void
model_take(struct model *m, size_t slot, const unsigned char *tag)
{
	struct evidence *e;
	struct item *item;
	SSL_SESSION *s = resumption_take(m->r, tag, m->now, &e);

	while ((item = newest_of(m, slot)) != NULL && m->now >= item->until) {
		assert_true(item->gone);
		remove_item(m, item);
	}
	assert_ptr_equal(s, item ? item->session : NULL);
	if (!item)
		return;
	assert_ptr_equal(e, m->e);
	evidence_release(e);
	assert_false(item->gone);
	SSL_SESSION_free(s);
	assert_int_equal(item->gone, item->once);
	item->wanted = m->step;
	item->since = m->now;
	if (item->once)
		remove_item(m, item);
}

static void
model_forget(struct model *m, size_t slot, const unsigned char *tag)
{
	struct item *item;

	resumption_forget(m->r, tag);
	while ((item = newest_of(m, slot)) != NULL) {
		assert_true(item->gone);
		remove_item(m, item);
	}
}

static void
it_is_like_a_plain_list(void **state)
{
	static struct model m = { .seed = 1 };
	struct item *items = calloc(STEPS, sizeof *items);
	size_t full = 0;

	(void)state;
	assert_non_null(items);
	m.r = resumption_new();
	m.e = evidence(&m.now);
	for (m.step = 1; m.step < STEPS; m.step++) {
		unsigned char tag[RESUMPTION_TAG];
		size_t slot = any_slot(&m), dice = chance(&m, 1000);

		assert_true(resumption_tag(m.r, tag, HOST, &slot, sizeof slot, none));
		m.now += dice % 2 == 0;
		if (dice < 2)
			model_forget(&m, slot, tag);
		else if (dice < 200)
			model_take(&m, slot, tag);
		else
			model_keep(&m, &items[m.step], slot, tag);
		full += m.count == RESUMPTION_MAX;
		if (m.step % 1000 > 0)
			continue;
		for (size_t i = 0; i < m.count; i++)
			assert_false(m.here[i]->gone);
	}
	assert_in_range(full, STEPS / 4, STEPS);
	resumption_free(m.r);
	for (size_t i = 0; i < m.count; i++)
		assert_true(m.here[i]->gone);
	evidence_release(m.e);
	free(items);
}

/* Sessions under another TLSA set, or none, are others. */
static void
a_tag_is_of_everything(void **state)
{
	struct resumption *r = resumption_new();
	unsigned char tag[RESUMPTION_TAG], other[RESUMPTION_TAG];
	uint8_t digest[TLSA_DIGEST] = { 1 };

	(void)state;
	assert_true(resumption_tag(r, tag, HOST, "a", 1, digest));
	assert_true(resumption_tag(r, other, HOST, "a", 1, digest));
	assert_memory_equal(tag, other, RESUMPTION_TAG);
	assert_true(resumption_tag(r, other, HOST, "a", 1, none));
	assert_memory_not_equal(tag, other, RESUMPTION_TAG);
	digest[TLSA_DIGEST - 1]++;
	assert_true(resumption_tag(r, other, HOST, "a", 1, digest));
	assert_memory_not_equal(tag, other, RESUMPTION_TAG);
	digest[TLSA_DIGEST - 1]--;
	assert_true(resumption_tag(r, other, HOST, "b", 1, digest));
	assert_memory_not_equal(tag, other, RESUMPTION_TAG);
	assert_true(resumption_tag(r, other, HOST "a", "", 0, digest));
	assert_memory_not_equal(tag, other, RESUMPTION_TAG);
	resumption_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_is_bounded),
		cmocka_unit_test(a_slot_has_few_places),
		cmocka_unit_test(a_flood_drowns_nobody),
		cmocka_unit_test(a_share_is_64),
		cmocka_unit_test(a_session_ages),
		cmocka_unit_test(a_ticket_is_given_out_once),
		cmocka_unit_test(it_is_like_a_plain_list),
		cmocka_unit_test(a_tag_is_of_everything),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
