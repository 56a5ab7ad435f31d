/* tlsa_lookup_test.c - TLSA records of a host: which are asked for, and what each answer means
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/testworld.h"

#include "policy/tlsa_lookup.h"

#define MX "mx.example"
#define MID "mid.example"
#define END "end.example"
#define T_MX "_25._tcp." MX
#define T_MID "_25._tcp." MID
#define T_END "_25._tcp." END
#define ADDRESS "192.0.2.1"
#define ZONE_MAX 8

struct fixture {
	struct testworld *t;
	struct host host;
	struct tlsa_lookup lookup;
	unsigned done;
};

static void
on_host(void *arg, struct host *h)
{
	(void)arg;
	(void)h;
}

static void
on_tlsa(void *arg, struct tlsa_lookup *l)
{
	struct fixture *f = arg;

	assert_ptr_equal(l, &f->lookup);
	f->done++;
}

static void
begin(void *fixture)
{
	struct fixture *f = fixture;

	f->host.done = on_host;
	f->lookup.done = on_tlsa;
	f->host.arg = f->lookup.arg = f;
}

static void
end(void *fixture)
{
	struct fixture *f = fixture;

	host_cancel(&f->host);
	tlsa_lookup_clear(&f->lookup);
}

static struct testworld_parts parts = { sizeof(struct fixture), begin, end };

struct line {
	const char *name;
	enum answer_type type;
	const char *text;	/* TLSA: usage, selector and matching type, digits */
	bool insecure;
	enum answer_state state;
};

static struct testworld_record *
add(struct testworld *t, const struct line *line)
{
	struct testworld_record *z;

	if (line->type == ANSWER_TLSA && line->state == ANSWER_OK)
		z = testworld_tlsa(t, line->name, (uint8_t)(line->text[0] - '0'),
		    (uint8_t)(line->text[1] - '0'), (uint8_t)(line->text[2] - '0'), 0xab, 32);
	else
		z = testworld_add(t, line->name, line->type, line->text);
	z->state = line->state;
	z->secure = !line->insecure && line->state < ANSWER_FAILED;
	return z;
}

static void
find_host(struct fixture *f, const char *name)
{
	host_lookup(&f->host, &f->t->world, name);
	testworld_run(f->t, 100);
	f->t->queries = f->done = 0;
}

static void
find_tlsa(struct fixture *f, const char *name)
{
	tlsa_lookup_clear(&f->lookup);
	tlsa_lookup_start(&f->lookup, &f->t->world, &f->host, name, 25);
	testworld_run(f->t, 100);
	assert_int_equal(f->done, 1);
}

/* "CNAME mx.example TLSA _25._tcp.mx.example" */
static const char *
questions(const struct testworld *t)
{
	static char text[1024];
	size_t len = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < t->queries; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s %s", i > 0 ? " " : "",
		    t->log[i].type == ANSWER_TLSA ? "TLSA" :
		    t->log[i].type == ANSWER_CNAME ? "CNAME" : "?", t->log[i].name);
	return text;
}

#define A_OK { MX, ANSWER_A, ADDRESS, false, ANSWER_OK }
#define HAS(name, text) { name, ANSWER_TLSA, text, false, ANSWER_OK }
#define ALIAS(name, to) { name, ANSWER_CNAME, to, false, ANSWER_OK }
#define END_OK { END, ANSWER_A, ADDRESS, false, ANSWER_OK }
#define UNSIGNED(name, type, text) { name, ANSWER_##type, text, true, ANSWER_OK }
#define FAULT(name, type, state) { name, ANSWER_##type, "", false, ANSWER_##state }

struct row {
	const char *what;
	struct line zone[ZONE_MAX];
	struct line later;		/* between the addresses and what follows */
	bool unproven;			/* what is not in the zone is not proven not to be */
	enum require_dane state;
	const char *base, *asked;
};

static void
check(struct fixture *f, const struct row *rows, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		const struct row *r = &rows[i];

		f->t->zone_len = 0;
		f->t->secure = !r->unproven;
		for (size_t k = 0; k < ZONE_MAX && r->zone[k].name != NULL; k++)
			add(f->t, &r->zone[k]);
		find_host(f, MX);
		if (r->later.name != NULL) {
			testworld_remove(f->t, r->later.name);
			add(f->t, &r->later);
		}
		find_tlsa(f, MX);
		if (f->lookup.state != r->state || strcmp(f->lookup.base, r->base) != 0)
			fail_msg("%s: %d, base '%s'", r->what, f->lookup.state, f->lookup.base);
		if (strcmp(questions(f->t), r->asked) != 0)
			fail_msg("%s: asked '%s'", r->what, questions(f->t));
		assert_true((f->lookup.records_len > 0) == (r->base[0] != '\0'));
		/* A line for each question. */
		for (unsigned k = 0, at = 0; k < f->t->queries; k++, at++) {
			at += (unsigned)strcspn(f->lookup.answers + at, "\n");
			assert_true((f->lookup.answers[at] == '\n') == (k + 1 < f->t->queries));
		}
	}
}

#define CHECK(rows) check(*state, rows, sizeof(rows) / sizeof(rows[0]))
#define NONE REQUIRE_DANE_NONE, ""
#define INSECURE REQUIRE_DANE_INSECURE, ""
#define ERROR REQUIRE_DANE_ERROR, ""
#define USABLE(base) REQUIRE_DANE_USABLE, base
#define UNUSABLE(base) REQUIRE_DANE_UNUSABLE, base

static void
no_alias(void **state)
{
	static const struct row rows[] = {
		{ "records", { A_OK, HAS(T_MX, "311") }, { 0 }, false, USABLE(MX), "TLSA " T_MX },
		{ "none (R78)", { A_OK }, { 0 }, false, NONE, "TLSA " T_MX },
		{ "none, the name is there", { A_OK, FAULT(T_MX, TLSA, NODATA) }, { 0 }, false,
		    NONE, "TLSA " T_MX },
		{ "none, not proven (R78: no error)", { A_OK }, { 0 }, true, INSECURE,
		    "TLSA " T_MX },
		{ "records, insecure (R86)", { A_OK, UNSIGNED(T_MX, TLSA, "311") }, { 0 }, false,
		    INSECURE, "TLSA " T_MX },
		{ "unusable: usage 1 (R101)", { A_OK, HAS(T_MX, "111") }, { 0 }, false,
		    UNUSABLE(MX), "TLSA " T_MX },
		{ "one of two usable", { A_OK, HAS(T_MX, "111"), HAS(T_MX, "211") }, { 0 }, false,
		    USABLE(MX), "TLSA " T_MX },
		{ "addresses insecure: not asked for (R92)", { UNSIGNED(MX, A, ADDRESS),
		    HAS(T_MX, "311") }, { 0 }, false, INSECURE, "" },
		{ "the other family broken (R80)", { A_OK, FAULT(MX, AAAA, BOGUS),
		    HAS(T_MX, "311") }, { 0 }, false, USABLE(MX), "TLSA " T_MX },
		{ "no address: no server (R93)", { HAS(T_MX, "311") }, { 0 }, false, NONE, "" },
		{ "addresses failed", { FAULT(MX, A, FAILED), HAS(T_MX, "311") }, { 0 }, false,
		    ERROR, "" },
		{ "addresses bogus", { FAULT(MX, A, BOGUS), HAS(T_MX, "311") }, { 0 }, false,
		    ERROR, "" },
		{ "TLSA failed (R81)", { A_OK, FAULT(T_MX, TLSA, FAILED) }, { 0 }, false, ERROR,
		    "TLSA " T_MX },
		{ "TLSA bogus (R81, R77)", { A_OK, FAULT(T_MX, TLSA, BOGUS) }, { 0 }, false, ERROR,
		    "TLSA " T_MX },
	};

	CHECK(rows);
}

/* mx.example -> mid.example -> end.example, which has the address. */
static void
aliased_host(void **state)
{
#define SIGNED_CHAIN ALIAS(MX, MID), ALIAS(MID, END), END_OK
#define SECOND_INSECURE ALIAS(MX, MID), UNSIGNED(MID, CNAME, END), END_OK
#define FIRST_INSECURE UNSIGNED(MX, CNAME, MID), ALIAS(MID, END), END_OK
#define END_INSECURE ALIAS(MX, MID), ALIAS(MID, END), UNSIGNED(END, A, ADDRESS)
	static const struct row rows[] = {
		{ "expanded first (R95)", { SIGNED_CHAIN, HAS(T_END, "311"), HAS(T_MX, "311") },
		    { 0 }, false, USABLE(END), "TLSA " T_END },
		{ "then the original (R95)", { SIGNED_CHAIN, HAS(T_MX, "311") }, { 0 }, false,
		    USABLE(MX), "TLSA " T_END " TLSA " T_MX },
		{ "never in between (R95)", { SIGNED_CHAIN, HAS(T_MID, "311") }, { 0 }, false, NONE,
		    "TLSA " T_END " TLSA " T_MX },
		{ "unusable at the expanded name: final (R98)", { SIGNED_CHAIN, HAS(T_END, "011"),
		    HAS(T_MX, "311") }, { 0 }, false, UNUSABLE(END), "TLSA " T_END },
		{ "insecure at the expanded name: on (R97)", { SIGNED_CHAIN,
		    UNSIGNED(T_END, TLSA, "311"), HAS(T_MX, "311") }, { 0 }, false, USABLE(MX),
		    "TLSA " T_END " TLSA " T_MX },
		{ "insecure at the expanded name alone", { SIGNED_CHAIN,
		    UNSIGNED(T_END, TLSA, "311") }, { 0 }, false, NONE,
		    "TLSA " T_END " TLSA " T_MX },
		{ "insecure at the original alone", { SIGNED_CHAIN, UNSIGNED(T_MX, TLSA, "311") },
		    { 0 }, false, INSECURE, "TLSA " T_END " TLSA " T_MX },
		{ "an error at the expanded name is final (R81)", { SIGNED_CHAIN,
		    FAULT(T_END, TLSA, BOGUS), HAS(T_MX, "311") }, { 0 }, false, ERROR,
		    "TLSA " T_END },
		{ "an error at the original", { SIGNED_CHAIN, FAULT(T_MX, TLSA, FAILED) }, { 0 },
		    false, ERROR, "TLSA " T_END " TLSA " T_MX },
		{ "second link insecure: original only (R94, R83)", { SECOND_INSECURE,
		    HAS(T_END, "311"), HAS(T_MX, "311") }, { 0 }, false, USABLE(MX),
		    "CNAME " MX " TLSA " T_MX },
		{ "second link insecure, none", { SECOND_INSECURE, HAS(T_END, "311") }, { 0 },
		    false, NONE, "CNAME " MX " TLSA " T_MX },
		{ "address insecure: original only (R94)", { END_INSECURE, HAS(T_END, "311"),
		    HAS(T_MX, "211") }, { 0 }, false, USABLE(MX), "CNAME " MX " TLSA " T_MX },
		{ "address insecure, TLSA bogus", { END_INSECURE, FAULT(T_MX, TLSA, BOGUS) }, { 0 },
		    false, ERROR, "CNAME " MX " TLSA " T_MX },
		{ "first link insecure: all is (R82)", { FIRST_INSECURE, HAS(T_END, "311"),
		    HAS(T_MX, "311") }, { 0 }, false, INSECURE, "CNAME " MX },
		{ "first link bogus by itself", { SECOND_INSECURE, HAS(T_MX, "311") },
		    FAULT(MX, CNAME, BOGUS), false, ERROR, "CNAME " MX },
		{ "first link failed by itself", { SECOND_INSECURE, HAS(T_MX, "311") },
		    FAULT(MX, CNAME, FAILED), false, ERROR, "CNAME " MX },
		{ "no address behind an insecure link, whoever says so (R94)", { ALIAS(MX, END),
		    HAS(T_END, "311"), HAS(T_MX, "311") }, { 0 }, true, USABLE(MX),
		    "CNAME " MX " TLSA " T_MX },
		{ "the same, the first link bogus", { ALIAS(MX, END), HAS(T_MX, "311") },
		    FAULT(MX, CNAME, BOGUS), true, ERROR, "CNAME " MX },
		{ "the same, nothing signed", { UNSIGNED(MX, CNAME, END), HAS(T_MX, "311") }, { 0 },
		    true, INSECURE, "CNAME " MX },
		{ "no address behind secure links: no server (R93)", { ALIAS(MX, END),
		    HAS(T_MX, "311") }, { 0 }, false, NONE, "" },
		{ "the alias is gone, in a signed zone", { SECOND_INSECURE, HAS(T_MX, "311") },
		    { MX, ANSWER_CNAME, "", false, ANSWER_NODATA }, false, USABLE(MX),
		    "CNAME " MX " TLSA " T_MX },
		{ "the alias is gone, unproven", { SECOND_INSECURE, HAS(T_MX, "311") },
		    { MX, ANSWER_CNAME, "", true, ANSWER_NODATA }, false, INSECURE, "CNAME " MX },
	};

	CHECK(rows);
}

/* Aliases at the TLSA name are followed, and the base domain stays (R97). */
static void
aliased_records(void **state)
{
#define T1 "t1.example"
#define T2 "t2.example"
	static const struct row rows[] = {
		{ "both links secure", { A_OK, ALIAS(T_MX, T1), ALIAS(T1, T2), HAS(T2, "311") },
		    { 0 }, false, USABLE(MX), "TLSA " T_MX },
		{ "first link insecure", { A_OK, UNSIGNED(T_MX, CNAME, T1), ALIAS(T1, T2),
		    HAS(T2, "311") }, { 0 }, false, INSECURE, "TLSA " T_MX },
		{ "second link insecure", { A_OK, ALIAS(T_MX, T1), UNSIGNED(T1, CNAME, T2),
		    HAS(T2, "311") }, { 0 }, false, INSECURE, "TLSA " T_MX },
		{ "records insecure", { A_OK, ALIAS(T_MX, T1), UNSIGNED(T1, TLSA, "311") }, { 0 },
		    false, INSECURE, "TLSA " T_MX },
		{ "leads nowhere", { A_OK, ALIAS(T_MX, T1) }, { 0 }, false, NONE, "TLSA " T_MX },
		{ "second link bogus", { A_OK, ALIAS(T_MX, T1), FAULT(T1, CNAME, BOGUS) }, { 0 },
		    false, ERROR, "TLSA " T_MX },
		{ "records failed", { A_OK, ALIAS(T_MX, T1), FAULT(T1, TLSA, FAILED) }, { 0 },
		    false, ERROR, "TLSA " T_MX },
		{ "expanded host, insecure link: next candidate", { ALIAS(MX, END), END_OK,
		    ALIAS(T_END, T1), UNSIGNED(T1, CNAME, T2), HAS(T2, "311"), HAS(T_MX, "211") },
		    { 0 }, false, USABLE(MX), "TLSA " T_END " TLSA " T_MX },
		{ "expanded host, secure links: its name is the base", { ALIAS(MX, END), END_OK,
		    ALIAS(T_END, T1), ALIAS(T1, T2), HAS(T2, "311"), HAS(T_MX, "211") }, { 0 },
		    false, USABLE(END), "TLSA " T_END },
	};

	CHECK(rows);
}

static void
how_long(void **state)	/* the smallest of all, "no" by its SOA; an error not for long */
{
	struct fixture *f = *state;

	testworld_add(f->t, MX, ANSWER_CNAME, END);
	testworld_add(f->t, END, ANSWER_A, ADDRESS);
	testworld_tlsa(f->t, T_MX, 3, 1, 1, 1, 32)->ttl = 3000;
	testworld_sign(f->t);
	find_host(f, MX);
	find_tlsa(f, MX);
	assert_int_equal(f->lookup.state, REQUIRE_DANE_USABLE);
	assert_int_equal(f->lookup.ttl, 60);		/* there are none at the expanded name */
	testworld_fault(f->t, T_END, ANSWER_TLSA, ANSWER_NODATA)->ttl = 7000;
	find_host(f, MX);
	find_tlsa(f, MX);
	assert_int_equal(f->lookup.ttl, 3000);
	testworld_fault(f->t, T_END, ANSWER_TLSA, ANSWER_BOGUS);
	find_host(f, MX);
	find_tlsa(f, MX);
	assert_int_equal(f->lookup.state, REQUIRE_DANE_ERROR);
	assert_int_equal(f->lookup.ttl, HOST_FAULT_TTL_S);
	f->t->zone[1].secure = f->t->zone[0].secure = false;	/* CNAME insecure */
	find_host(f, MX);
	find_tlsa(f, MX);
	assert_int_equal(f->lookup.ttl, 300);
	testworld_remove(f->t, MX);
	testworld_add(f->t, MX, ANSWER_A, ADDRESS);
	find_host(f, MX);
	find_tlsa(f, MX);
	assert_int_equal(f->lookup.ttl, UINT32_MAX);		/* nothing was asked */
}

static void
same_in_any_order(void **state)	/* resolvers turn a set round: it stays the same set */
{
	struct fixture *f = *state;
	struct tlsa_set a = { 0 }, b = { 0 };
	const char *bases[] = { MX };
	struct tlsa_lookup first;

	testworld_add(f->t, MX, ANSWER_A, ADDRESS);
	testworld_tlsa(f->t, T_MX, 2, 1, 1, 7, 32);
	testworld_tlsa(f->t, T_MX, 3, 1, 1, 9, 32);
	testworld_tlsa(f->t, T_MX, 3, 1, 1, 8, 32);
	testworld_tlsa(f->t, T_MX, 3, 1, 1, 9, 32);	/* twice: once */
	testworld_sign(f->t);
	find_host(f, MX);
	find_tlsa(f, MX);
	first = f->lookup;
	f->lookup.records = NULL;
	for (size_t i = 1; i < 4; i++) {
		struct testworld_record z = f->t->zone[i];

		f->t->zone[i] = f->t->zone[5 - i > 4 ? 4 : 5 - i];
		f->t->zone[5 - i > 4 ? 4 : 5 - i] = z;
	}
	find_host(f, MX);
	find_tlsa(f, MX);
	assert_int_equal(first.records_len, 3);
	assert_int_equal(first.records[0].data[0], 8);
	assert_int_equal(first.records[2].usage, 2);
	a.len = first.records_len;
	a.records = first.records;
	b.len = f->lookup.records_len;
	b.records = f->lookup.records;
	a.bases_len = b.bases_len = 1;
	a.bases = b.bases = bases;
	assert_true(tlsa_digest(&a, a.digest) && tlsa_digest(&b, b.digest));
	assert_true(tlsa_same(&a, b.digest));
	tlsa_lookup_clear(&first);
}

/* A public key of so many octets, its modulus all `fill`: RFC 8017 in DER. */
static size_t
put_key(uint8_t *p, uint8_t fill, size_t len)
{
	static const uint8_t oid[] = { 0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 1, 1, 5,
		0 };
	size_t at = 0, n = len - 35;
#define LONG(tag, size) p[at++] = tag, p[at++] = 0x82, p[at++] = (uint8_t)((size) >> 8), \
	p[at++] = (uint8_t)(size)

	LONG(0x30, len - 4);
	memcpy(p + at, oid, sizeof(oid));
	at += sizeof(oid);
	LONG(3, len - 4 - sizeof(oid) - 4);
	p[at++] = 0;
	LONG(0x30, n + 7);
	LONG(2, n);
	memset(p + at, fill, n);
	at += n;
	memcpy(p + at, "\2\1\3", 3);
	return at + 3;
}

static void
too_many_in_full(void **state)	/* decoding costs: of a hostile set only some is decoded */
{
	struct fixture *f = *state;

	testworld_add(f->t, MX, ANSWER_A, ADDRESS);
	for (uint8_t i = 0; i < 64; i++) {
		struct testworld_record *z = testworld_tlsa(f->t, T_MX, 3, 1, 0, 0, 400);

		assert_int_equal(put_key((uint8_t *)z->text, (uint8_t)(64 - i), 400), 400);
	}
	testworld_sign(f->t);
	find_host(f, MX);
	find_tlsa(f, MX);
	assert_int_equal(f->lookup.state, REQUIRE_DANE_USABLE);
	assert_int_equal(f->lookup.records_len, 16);
	/* The same ones in whatever order they come. */
	for (uint8_t i = 0; i < 16; i++)
		assert_int_equal(f->lookup.records[i].data[100], i + 1);
	assert_non_null(strstr(f->lookup.answers, "48 of them not usable (3 1 0: one too many in "
	    "full)"));
	/* Digests cost nothing. */
	testworld_tlsa(f->t, T_MX, 2, 1, 1, 1, 32)->secure = true;
	f->t->zone[1] = f->t->zone[--f->t->zone_len];
	find_host(f, MX);
	find_tlsa(f, MX);
	assert_int_equal(f->lookup.records_len, 17);
	/* None that can be used among those that were looked at: nobody knows of the others. */
	for (size_t i = 1; i < f->t->zone_len; i++) {
		f->t->zone[i].matching = 0;
		f->t->zone[i].text[0] = 'x';
	}
	find_host(f, MX);
	find_tlsa(f, MX);
	assert_int_equal(f->lookup.state, REQUIRE_DANE_ERROR);
}

static void
too_many_and_too_large(void **state)
{
	struct fixture *f = *state;
	size_t octets = 0;

	testworld_add(f->t, MX, ANSWER_A, ADDRESS);
	for (uint8_t i = 0; i < 64; i++)
		testworld_tlsa(f->t, T_MX, i % 2 ? 3 : 2, 1, 1, i, 32);
	testworld_sign(f->t);
	find_host(f, MX);
	find_tlsa(f, MX);
	assert_int_equal(f->lookup.state, REQUIRE_DANE_USABLE);
	assert_int_equal(f->lookup.records_len, TLSA_RECORDS_MAX);
	for (size_t i = 0; i < TLSA_RECORDS_MAX; i++)
		assert_int_equal(f->lookup.records[i].usage, 3);
	testworld_remove(f->t, T_MX);
	for (uint8_t i = 0; i < 20; i++) {
		struct testworld_record *z = testworld_tlsa(f->t, T_MX, 3, 1, 0, 0, 2000);

		assert_int_equal(put_key((uint8_t *)z->text, (uint8_t)(i + 1), 2000), 2000);
		z->secure = true;
	}
	find_host(f, MX);
	find_tlsa(f, MX);
	assert_int_equal(f->lookup.state, REQUIRE_DANE_USABLE);
	for (size_t i = 0; i < f->lookup.records_len; i++)
		octets += f->lookup.records[i].len;
	assert_in_range(octets, TLSA_OCTETS_MAX - 2000, TLSA_OCTETS_MAX);
}

/* A world that keeps the question, for an answer larger than testworld's. */
static struct world_query *asked;

static void
keep_query(void *arg, struct world_query *q, const char *name, enum answer_type type)
{
	(void)arg;
	assert_string_equal(name, T_MX);
	assert_int_equal(type, ANSWER_TLSA);
	asked = q;
}

static void
drop_query(void *arg, struct world_query *q)
{
	(void)arg;
	(void)q;
}

static void
one_beyond_all_limits(void **state)	/* usable, but not to be carried: no proof, not "none" */
{
	static const struct world world = { .query = keep_query, .query_cancel = drop_query };
	static struct answer a = { .state = ANSWER_OK, .secure = true, .records_len = 1 };
	static uint8_t key[TLSA_OCTETS_MAX + 100];
	struct fixture *f = *state;

	f->host.state = REQUIRE_ADDRESSES_OK;
	f->host.secure = true;
	tlsa_lookup_start(&f->lookup, &world, &f->host, MX, 25);
	a.records[0] = (struct answer_record){ .usage = 3, .selector = 1, .text = (char *)key,
		.len = put_key(key, 1, sizeof(key)) };
	asked->done(asked->arg, &a);
	assert_int_equal(f->done, 1);
	assert_int_equal(f->lookup.state, REQUIRE_DANE_ERROR);
	assert_int_equal(f->lookup.records_len, 0);
}

static void
name_too_long(void **state)	/* no such name can be in DNS: nothing to be asked */
{
	struct fixture *f = *state;
	char name[ANSWER_NAME_SIZE];

	for (size_t len = 243; len <= 253; len++) {
		memset(name, 'x', len);
		for (size_t i = 60; i < len; i += 60)
			name[i] = '.';
		name[len] = '\0';
		f->t->zone_len = 0;
		testworld_add(f->t, name, ANSWER_A, ADDRESS);
		testworld_sign(f->t);
		find_host(f, name);
		find_tlsa(f, name);
		assert_int_equal(f->lookup.state, REQUIRE_DANE_NONE);
		assert_int_equal(f->t->queries, len <= 244);
	}
}

static void
in_words(void **state)
{
	struct fixture *f = *state;

	testworld_add(f->t, MX, ANSWER_A, ADDRESS);
	testworld_tlsa(f->t, T_MX, 3, 1, 1, 1, 31);
	testworld_tlsa(f->t, T_MX, 1, 1, 1, 1, 32);
	testworld_tlsa(f->t, T_MX, 3, 1, 1, 1, 32);
	testworld_sign(f->t);
	find_host(f, MX);
	find_tlsa(f, MX);
	assert_string_equal(f->lookup.answers, "TLSA " T_MX ": secure, 3 records, 2 of them not "
	    "usable (3 1 1: no SHA-256 digest: wrong length)");
}

static void
not_waited_for(void **state)
{
	struct fixture *f = *state;

	testworld_add(f->t, MX, ANSWER_A, ADDRESS);
	testworld_tlsa(f->t, T_MX, 3, 1, 1, 1, 32)->delay_ms = 20000;
	testworld_sign(f->t);
	find_host(f, MX);
	tlsa_lookup_start(&f->lookup, &f->t->world, &f->host, MX, 25);
	testworld_run(f->t, 1000);
	assert_int_equal(f->done, 0);
	tlsa_lookup_expire(&f->lookup);
	assert_int_equal(f->done, 1);
	assert_int_equal(f->lookup.state, REQUIRE_DANE_ERROR);
	assert_int_equal(f->lookup.ttl, HOST_FAULT_TTL_S);
	assert_string_equal(f->lookup.answers, "TLSA " T_MX ": failed, no answer in time");
	tlsa_lookup_expire(&f->lookup);
	testworld_run(f->t, 30000);
	assert_int_equal(f->done, 1);
}

#define T(name) TESTWORLD_TEST(name, parts)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(no_alias), T(aliased_host), T(aliased_records), T(how_long),
		T(same_in_any_order), T(too_many_and_too_large), T(one_beyond_all_limits),
		T(name_too_long), T(too_many_in_full), T(in_words), T(not_waited_for)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
