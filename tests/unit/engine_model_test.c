/* engine_model_test.c - a worker that remembers answers never uses one that the engine would not give
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The worker is a table: each answer stays for its fresh_ms, and no longer than until the engine
 * says that it is stale. While anything may happen, each that it has must be what the engine says
 * that moment, without asking anybody: the question is put as an administrator's, so that the engine
 * learns nothing from it. */
#include "tests/unit/testengine.h"

#define DOMAINS 8
#define ADDRESSES 8
#define HOSTS 4
#define STEPS 10000
#define HOURS_MS (2 * 3600 * 1000)
#define WIRE_MAX 65536

static const char *const names[DOMAINS] = {
	"sts.example", "plain.example", "dane.example", "lapses.example", "only.example",
	"shared.example", "relayed.example", "relay.example"
};
static const char *const addresses[ADDRESSES] = {
	"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "2001:db8::5", "203.0.113.6",
	"192.0.2.50", "192.0.2.51"		/* the last two: relays' */
};
static const char *const hosts[HOSTS] = {
	"mx1.example.net", "mx2.example.net", "mx3.example.net", "mx.sts.example"
};

/* What DNS and the policy hosts would say; the zone is written anew from it. */
struct truth {
	struct {
		unsigned mx;		/* bits: hosts; 0: no MX record */
		unsigned fault;		/* 1: failed, 2: bogus, 3: null MX, 4: there is no such domain */
		uint32_t ttl, txt_ttl;
		unsigned txt;		/* 0: none, 1: failed, else the id */
		unsigned mode, pattern;	/* of the policy */
		unsigned max_age;
		bool broken;		/* its host */
		bool slow;
	} domains[DOMAINS];
	struct {
		unsigned addresses;	/* bits */
		unsigned fault;		/* as above, of A; 3 and more: none */
		uint32_t ttl;
		unsigned tlsa;		/* 0: none, 1: failed, 2: unusable, else the octet */
		bool secure;
	} hosts[HOSTS];
	unsigned relay;			/* bits: the last two addresses */
	bool validates, turned;
};

struct remembered {
	uint64_t until;			/* ticks; 0: nothing */
	size_t len;
	unsigned char *wire;		/* what counts of the answer */
};

/* A question on its way; [DOMAINS] is end to end. */
struct asked {
	struct model *m;
	unsigned domain, address;
	bool open, forget;
	uint64_t at;
};

struct model {
	struct testengine e;
	struct truth truth;
	uint32_t seed;
	struct config_rule rules[3], relays[2];
	struct remembered known[DOMAINS + 1][ADDRESSES];
	struct asked asked[64];
	unsigned long uses[2], kept[2], stale[3], step;	/* [1]: end to end */
	const char *doing;
};

static unsigned
pick(struct model *m, unsigned bound)
{
	m->seed = m->seed * 1664525u + 1013904223u;
	return (unsigned)((uint64_t)m->seed * bound >> 32);
}

/* --- the world ------------------------------------------------------------------------------ */

static void
put_fault(struct testworld *t, const char *name, enum answer_type type, unsigned fault)
{
	testworld_fault(t, name, type, fault == 1 ? ANSWER_FAILED : ANSWER_BOGUS);
}

static void
write_policy(struct model *m, unsigned d)
{
	static const char *const modes[] = { "enforce", "testing", "none" };
	static const char *const patterns[] = { "*.example.net", "mx1.example.net",
		"mx2.example.net\nmx: mx.sts.example", "other.example" };
	struct testworld *t = m->e.t;
	char text[512], id[16], name[64];

	snprintf(text, sizeof(text), "version: STSv1\nmode: %s\nmx: %s\nmax_age: %u\n",
	    modes[m->truth.domains[d].mode], patterns[m->truth.domains[d].pattern],
	    m->truth.domains[d].max_age);
	snprintf(id, sizeof(id), "%u", m->truth.domains[d].txt);
	snprintf(name, sizeof(name), "_mta-sts.%s", names[d]);
	testworld_publish(t, names[d], m->truth.domains[d].txt > 1 ? id : NULL, text)->delay_ms =
	    m->truth.domains[d].slow ? 4000 : 0;
	if (m->truth.domains[d].broken)
		testworld_break(t, names[d], RESULT_STS_POLICY_FETCH_ERROR);
	if (m->truth.domains[d].txt == 1)
		put_fault(t, name, ANSWER_TXT, 1);
	for (size_t i = 0; i < t->zone_len; i++)
		if (strcmp(t->zone[i].name, name) == 0)
			t->zone[i].ttl = m->truth.domains[d].txt_ttl;
}

static void
write_domain(struct model *m, unsigned d)
{
	unsigned fault = m->truth.domains[d].fault;
	struct testworld *t = m->e.t;

	if (fault == 4)
		return;
	if (fault == 1 || fault == 2)
		put_fault(t, names[d], ANSWER_MX, fault);
	else if (fault == 3)
		testworld_add(t, names[d], ANSWER_MX, "")->preference = 0;
	for (unsigned k = 0; fault == 0 && k < HOSTS; k++) {
		unsigned h = m->truth.turned ? HOSTS - 1 - k : k;

		if (m->truth.domains[d].mx >> h & 1)
			testworld_add(t, names[d], ANSWER_MX, hosts[h])->preference =
			    (uint16_t)(10 * (h % 2));
	}
	for (size_t i = 0; i < t->zone_len; i++)
		if (strcmp(t->zone[i].name, names[d]) == 0)
			t->zone[i].ttl = m->truth.domains[d].ttl;
	write_policy(m, d);
}

static void
write_host(struct model *m, unsigned h)
{
	struct testworld *t = m->e.t;
	unsigned fault = m->truth.hosts[h].fault, tlsa = m->truth.hosts[h].tlsa;
	char name[64];

	if (fault == 1 || fault == 2)
		put_fault(t, hosts[h], ANSWER_A, fault);
	for (unsigned k = 0; fault == 0 && k < ADDRESSES; k++) {
		unsigned a = m->truth.turned ? ADDRESSES - 1 - k : k;

		if (m->truth.hosts[h].addresses >> a & 1)
			testworld_add(t, hosts[h], strchr(addresses[a], ':') != NULL ?
			    ANSWER_AAAA : ANSWER_A, addresses[a])->ttl = m->truth.hosts[h].ttl;
	}
	snprintf(name, sizeof(name), "_25._tcp.%s", hosts[h]);
	if (tlsa == 1)
		put_fault(t, name, ANSWER_TLSA, 1);
	else if (tlsa == 2)
		testworld_tlsa(t, name, 1, 1, 1, 7, 32)->ttl = m->truth.hosts[h].ttl + 3;
	else if (tlsa > 2)
		testworld_tlsa(t, name, tlsa % 2 == 0 ? 3 : 2, 1, 1, (uint8_t)tlsa, 32)->ttl =
		    m->truth.hosts[h].ttl + 3;
}

static void
write_zone(struct model *m)
{
	struct testworld *t = m->e.t;
	char name[64];

	t->zone_len = t->hosts_len = 0;
	for (unsigned d = 0; d < DOMAINS; d++)
		write_domain(m, d);
	for (unsigned h = 0; h < HOSTS; h++)
		write_host(m, h);
	for (unsigned i = 0; i < 2; i++)
		if (m->truth.relay >> i & 1)
			testworld_add(t, "relay.example", ANSWER_A, addresses[ADDRESSES - 2 + i]);
	testworld_add(t, "", ANSWER_NS, "a.root-servers.net");
	testworld_sign(t);
	for (unsigned h = 0; h < HOSTS; h++) {
		snprintf(name, sizeof(name), "_25._tcp.%s", hosts[h]);
		for (size_t i = 0; i < t->zone_len; i++)
			if (!m->truth.hosts[h].secure && (strcmp(t->zone[i].name, hosts[h]) == 0 ||
			    strcmp(t->zone[i].name, name) == 0))
				t->zone[i].secure = false;
	}
	/* A resolver that does not validate calls nothing secure. */
	for (size_t i = 0; !m->truth.validates && i < t->zone_len; i++)
		t->zone[i].secure = false;
	t->secure = m->truth.validates;
}

/* What is kept for more than a minute is asked for anew before a refusal. */
static uint32_t
pick_ttl(struct model *m)
{
	return pick(m, 2) == 0 ? 300 : 1 + pick(m, 40);
}

static void
change_domain(struct model *m, unsigned d)
{
	static const unsigned ages[] = { 0, 3, 15, 400, 86400, 604800 };

	switch (pick(m, 9)) {
	case 0:
		m->truth.domains[d].mx = 1u << d % HOSTS;
		if (pick(m, 4) == 0)
			m->truth.domains[d].mx = pick(m, 1u << HOSTS);
		break;
	case 1:
		m->truth.domains[d].fault = pick(m, 5) > 0 ? 0 : pick(m, 5);
		break;
	case 2:
		m->truth.domains[d].ttl = pick_ttl(m);
		m->truth.domains[d].txt_ttl = pick_ttl(m);
		break;
	case 3:
	case 4:
		m->truth.domains[d].txt = pick(m, 6);
		break;
	case 5:
		m->truth.domains[d].mode = pick(m, 4) % 3;
		m->truth.domains[d].pattern = pick(m, 4);
		break;
	case 6:
		m->truth.domains[d].max_age = ages[pick(m, 6)];
		break;
	case 7:
		m->truth.domains[d].broken = pick(m, 3) == 0;
		break;
	case 8:
		m->truth.domains[d].slow = pick(m, 3) == 0;
		break;
	}
}

static void
change_host(struct model *m, unsigned h)
{
	switch (pick(m, 5)) {
	case 0:
		m->truth.hosts[h].addresses = 3u << 2 * h;
		if (pick(m, 4) == 0)
			m->truth.hosts[h].addresses = (1 + pick(m, 3)) << 2 * pick(m, HOSTS);
		break;
	case 1:
		m->truth.hosts[h].fault = pick(m, 6) > 0 ? 0 : pick(m, 4);
		break;
	case 2:
		m->truth.hosts[h].ttl = pick_ttl(m);
		break;
	case 3:
		m->truth.hosts[h].tlsa = pick(m, 2) == 0 ? 0 : pick(m, 6);
		break;
	case 4:
		m->truth.hosts[h].secure = pick(m, 3) > 0;
		break;
	}
}

static void
change_world(struct model *m)
{
	switch (pick(m, 12)) {
	case 0:
		m->truth.relay = 1 + pick(m, 3);
		break;
	case 1:
		m->truth.validates = pick(m, 4) > 0;
		break;
	case 2:
		m->truth.turned = !m->truth.turned;
		break;
	case 3: case 4: case 5: case 6:
		change_host(m, pick(m, HOSTS));
		break;
	default:
		change_domain(m, pick(m, DOMAINS));
		break;
	}
	write_zone(m);
}

/* --- the worker ----------------------------------------------------------------------------- */

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* What counts of an answer. Its age grows; what DNS said in words may be said anew in other words.
 * End to end whoever is asked for first gives the words, where several demand the same: what is
 * demanded is left. */
static size_t
canonical(const struct requirement *q, bool end_to_end, unsigned char wire[WIRE_MAX])
{
	const char *sorted[REQUIREMENT_HOSTS_MAX], *others[REQUIREMENT_NAMES_MAX];
	struct requirement r = *q;
	struct wire_writer w;

	r.age_s = 0;
	r.answers_len = 0;
	if (end_to_end && r.state == REQUIREMENT_READY) {
		memcpy(sorted, r.hosts, r.hosts_len * sizeof(sorted[0]));
		memcpy(others, r.names, r.names_len * sizeof(others[0]));
		qsort(sorted, r.hosts_len, sizeof(sorted[0]), by_name);
		qsort(others, r.names_len, sizeof(others[0]), by_name);
		r.hosts = sorted;
		r.names = others;
		r.policy_domain = r.policy_id = r.mx_host = r.sni = r.reason = "";
		r.policy_type = POLICY_NONE_FOUND;
		r.source = SOURCE_NONE;
		r.remembered = r.marks_count = false;
	}
	wire_write(&w, wire, WIRE_MAX);
	requirement_put(&w, &r);
	return wire_written(&w);
}

static void
forget(struct remembered *r)
{
	free(r->wire);
	*r = (struct remembered){ .until = 0 };
}

static bool
holds(const struct model *m, unsigned d, unsigned a)
{
	return m->known[d][a].until > m->e.t->ticks;
}

static void
on_answer(void *arg, uint32_t id, const struct requirement *q, const struct recalled *recalled,
    uint32_t fresh_ms)
{
	struct asked *asked = arg;
	struct model *m = asked->m;
	struct remembered *r = &m->known[asked->domain][asked->address];
	static unsigned char wire[WIRE_MAX];

	(void)recalled;
	assert_int_equal(id, TESTENGINE_ID);
	assert_true(fresh_ms <= ENGINE_FRESH_MS);
	assert_true(q->state == REQUIREMENT_READY || fresh_ms == 0);
	asked->open = false;
	if (asked->forget || fresh_ms == 0)
		return;
	forget(r);
	r->len = canonical(q, asked->domain == DOMAINS, wire);
	assert_true(r->len > 0);
	r->wire = malloc(r->len);
	assert_non_null(r->wire);
	memcpy(r->wire, wire, r->len);
	r->until = m->e.t->ticks + fresh_ms;
	m->kept[asked->domain == DOMAINS]++;
}

static void
on_stale(void *arg, const struct stale *what)
{
	struct model *m = arg;
	bool ip = !IN6_IS_ADDR_UNSPECIFIED(&what->ip), all = what->domain[0] == '\0' && !ip;

	m->stale[all ? 2 : ip]++;
	for (unsigned d = 0; d <= DOMAINS; d++)
		for (unsigned a = 0; a < ADDRESSES; a++) {
			struct in6_addr one = testworld_ip(addresses[a]);

			if (all || (d < DOMAINS && strcmp(what->domain, names[d]) == 0) ||
			    (ip && address_same_ip(&what->ip, &one)))
				forget(&m->known[d][a]);
		}
}

static const struct engine_events events = { .stale = on_stale };

static struct question
question(unsigned d, unsigned a)
{
	struct question q = testengine_question(d < DOMAINS ? names[d] : "", addresses[a]);

	q.end_to_end = d == DOMAINS;
	return q;
}

/* As a worker would, that has nothing to go by. */
static void
ask(struct model *m, unsigned d, unsigned a, bool recheck)
{
	struct question q = question(d, a);

	q.recheck = recheck && d < DOMAINS;
	if (!q.recheck && holds(m, d, a)) {
		m->uses[d == DOMAINS]++;
		return;
	}
	for (size_t i = 0; i < sizeof(m->asked) / sizeof(m->asked[0]); i++) {
		struct asked *x = &m->asked[i];

		if (x->open)
			continue;
		*x = (struct asked){ m, d, a, true, q.recheck, m->e.t->ticks };
		engine_ask(m->e.engine, &q, on_answer, x);
		return;
	}
}

struct peek {
	struct model *m;
	unsigned d, a, count;
};

static void
on_peek(void *arg, uint32_t id, const struct requirement *q, const struct recalled *recalled,
    uint32_t fresh_ms)
{
	struct peek *p = arg;
	const struct remembered *r = &p->m->known[p->d][p->a];
	static unsigned char wire[WIRE_MAX];
	size_t len = canonical(q, p->d == DOMAINS, wire);

	(void)id, (void)recalled;
	assert_int_equal(fresh_ms, 0);
	p->count++;
	if (len == r->len && memcmp(wire, r->wire, len) == 0)
		return;
	print_error("step %lu, %s: %s at %s, %llu ms before its end: level %d, %s, %s\n",
	    p->m->step, p->m->doing, p->d < DOMAINS ? names[p->d] : "end to end",
	    addresses[p->a], (unsigned long long)(r->until - p->m->e.t->ticks), (int)q->level,
	    q->state == REQUIREMENT_READY ? "ready" : "defer", q->reason);
	fail();
}

/* Each answer that may be used now is what the engine says now, from what it knows. */
static void
check(struct model *m)
{
	for (unsigned d = 0; d <= DOMAINS; d++)
		for (unsigned a = 0; a < ADDRESSES; a++) {
			struct question q = question(d, a);
			struct peek p = { m, d, a, 0 };

			if (!holds(m, d, a))
				continue;
			q.probe = true;
			engine_ask(m->e.engine, &q, on_peek, &p);
			if (p.count == 1)
				continue;
			engine_cancel(m->e.engine, &p);
			fail_msg("step %lu, %s: %s at %s has to be looked up", m->step, m->doing,
			    d < DOMAINS ? names[d] : "end to end", addresses[a]);
		}
}

/* To the last moment of some answer. */
static void
run_to_an_end(struct model *m)
{
	unsigned d = pick(m, DOMAINS + 1), a = pick(m, ADDRESSES);

	for (unsigned i = 0; i < (DOMAINS + 1) * ADDRESSES; i++) {
		if (holds(m, d, a)) {
			testworld_run(m->e.t, m->known[d][a].until - m->e.t->ticks - 1);
			return;
		}
		a = (a + 1) % ADDRESSES;
		d = a == 0 ? (d + 1) % (DOMAINS + 1) : d;
	}
}

/* --- what happens ---------------------------------------------------------------------------- */

static void
nobody(void *arg, json_t *report)
{
	(void)arg;
	json_decref(report);
}

static void
see(struct model *m)
{
	struct sighting s = { .peer.ip = testworld_ip(addresses[pick(m, ADDRESSES)]),
		.mx_host = pick(m, 4) == 0 ? "" : hosts[pick(m, HOSTS)] };

	engine_sighting(m->e.engine, &s);
}

static void
hint(struct model *m)
{
	unsigned d = pick(m, DOMAINS), a = (2 * d + pick(m, 2)) % ADDRESSES;
	struct hint h = { .domain = names[d], .mx_host = hosts[d % HOSTS], .ttl_s = pick(m, 90) };

	/* Sometimes a lie. */
	if (pick(m, 10) == 0)
		a = pick(m, ADDRESSES);
	if (pick(m, 5) == 0)
		h.mx_host = pick(m, 2) == 0 ? "" : hosts[pick(m, HOSTS)];
	h.peer.ip = testworld_ip(addresses[a]);
	engine_hint(m->e.engine, &h);
}

/* Rules and a relay that will have ended soon. */
static void
begin(struct model *m)
{
	static char lapses[] = "lapses.example", only[] = "only.example", reason[] = "r",
	    literal[] = "192.0.2.51", relay[] = "relay.example";
	time_t now = (time_t)(m->e.t->now_ms / 1000);

	m->rules[0] = (struct config_rule){ .name = lapses, .level = LEVEL_ENCRYPT,
		.reason = reason, .until = now + pick(m, 200) };
	m->rules[1] = (struct config_rule){ .name = only, .level = LEVEL_DANE,
		.reason = reason, .until = now + pick(m, 300) };
	m->relays[0] = (struct config_rule){ .name = literal, .level = LEVEL_MAY,
		.until = now + pick(m, 300) };
	m->relays[1] = (struct config_rule){ .name = relay, .level = LEVEL_AUTO,
		.until = pick(m, 2) == 0 ? 0 : now + pick(m, 400) };
	testengine_configure(&m->e, m->rules, 2);
	m->e.config.relays = m->relays;
	m->e.config.relays_len = 2;
	m->e.config.policy.dane = m->e.config.inspect = true;
	m->e.events = &events;
	testengine_begin(&m->e);
}

static void
restart(struct model *m)
{
	engine_free(m->e.engine);
	for (unsigned d = 0; d <= DOMAINS; d++)
		for (unsigned a = 0; a < ADDRESSES; a++)
			forget(&m->known[d][a]);
	begin(m);
}

static void
administer(struct model *m)
{
	const char *domain = names[pick(m, DOMAINS)];

	switch (pick(m, 8)) {
	case 0:
		m->doing = "forget";
		engine_policy_forget(m->e.engine, pick(m, 3) == 0 ? hosts[pick(m, HOSTS)] : domain);
		break;
	case 1:
	case 2:
		m->doing = "refresh";
		engine_policy_refresh(m->e.engine, domain, nobody, NULL);
		break;
	case 3:
	case 4:
		m->doing = "report";
		engine_domain(m->e.engine, domain, nobody, NULL);
		break;
	case 5:
		m->doing = "mode";
		engine_set_mode(m->e.engine, pick(m, 2) == 0 ? MODE_MONITOR : MODE_ENFORCE);
		break;
	case 6:
		m->doing = "restart";
		if (pick(m, 4) == 0)
			restart(m);
		break;
	case 7:
		m->doing = "hours";
		if (pick(m, 8) == 0)
			testworld_run(m->e.t, pick(m, HOURS_MS));
		break;
	}
}

/* Most addresses are used by one or two of the domains. */
static void
ask_somebody(struct model *m, unsigned d, bool recheck)
{
	unsigned a = pick(m, ADDRESSES);

	if (d < DOMAINS && pick(m, 50) > 0)
		a = (2 * d + a % 2) % ADDRESSES;
	ask(m, d, a, recheck);
}

static void
happen(struct model *m)
{
	unsigned what = pick(m, 100);

	if (what < 60) {
		m->doing = "ask";
		ask_somebody(m, what < 15 ? DOMAINS : pick(m, 1 + pick(m, DOMAINS)), false);
	} else if (what < 63) {
		m->doing = "recheck";
		ask_somebody(m, pick(m, DOMAINS), true);
	} else if (what < 74) {
		m->doing = "time";
		testworld_run(m->e.t, pick(m, 3000));
	} else if (what < 84) {
		m->doing = "an end";
		run_to_an_end(m);
	} else if (what < 91) {
		m->doing = "change";
		change_world(m);
	} else if (what < 94) {
		m->doing = "sighting";
		see(m);
	} else if (what < 98) {
		m->doing = "hint";
		hint(m);
	} else {
		administer(m);
	}
}

static void
never_another_answer(void **state)
{
	struct model *m = *state;

	for (m->step = 0; m->step < STEPS; m->step++) {
		happen(m);
		check(m);
	}
	/* It was worth its while, and each kind of change was announced. */
	assert_true(m->kept[0] > STEPS / 10 && m->uses[0] > STEPS / 30);
	assert_true(m->kept[1] > 20 && m->uses[1] > 2);
	for (int i = 0; i < 3; i++)
		assert_true(m->stale[i] > 50);
}

static int
setup(void **state)
{
	struct model *m = testworld_fixture(state, sizeof(*m));

	m->seed = 1;
	m->truth.validates = true;
	m->truth.relay = 1;
	for (unsigned d = 0; d < DOMAINS; d++) {
		m->truth.domains[d].mx = 1u << d % HOSTS;
		m->truth.domains[d].ttl = m->truth.domains[d].txt_ttl = 30;
		m->truth.domains[d].txt = d == 0 ? 2 : 0;
		m->truth.domains[d].max_age = 604800;
	}
	for (unsigned h = 0; h < HOSTS; h++) {
		m->truth.hosts[h].addresses = 3u << 2 * h;
		m->truth.hosts[h].ttl = 30;
		m->truth.hosts[h].secure = h > 1;
		m->truth.hosts[h].tlsa = h == 2 ? 4 : 0;
	}
	m->e.t->absent_ttl = 300;
	write_zone(m);
	begin(m);
	return 0;
}

static int
teardown(void **state)
{
	struct model *m = *state;

	for (unsigned d = 0; d <= DOMAINS; d++)
		for (unsigned a = 0; a < ADDRESSES; a++)
			forget(&m->known[d][a]);
	return testengine_teardown(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(never_another_answer, setup, teardown)
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
