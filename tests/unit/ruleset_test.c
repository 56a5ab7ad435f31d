/* ruleset_test.c - the rules as text, for every combination: what must stand in them
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * What they do to connections is shown in the lab, whole texts and what the kernel says to them in
 * ruleset_load_test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nfq/mark.h"
#include "nfq/ruleset.h"

#define NETWORKS 8
#define COMBINATIONS 512

static struct network networks[NETWORKS];
static size_t networks_len;

static void
from(const char *text)
{
	bool bits;

	for (networks_len = 0; *text != '\0'; networks_len++) {
		size_t len = strcspn(text, " ");

		assert_true(network_parse(&networks[networks_len], text, len, &bits));
		text += len + (text[len] == ' ');
	}
}

/* The n-th combination; false where there is none of that number. */
static bool
combination(unsigned n, struct plan *p)
{
	static const unsigned bits = 0x1ff;

	*p = (struct plan){
		.backend = n & 1 ? BACKEND_NFT : BACKEND_IPTABLES,
		.method = n & 2 ? METHOD_TPROXY : METHOD_REDIRECT,
		.interface = n & 4 ? "lan0" : NULL, .local = n & 8, .source_client = n & 16,
		.open = n & 32, .gate = n & 64, .dns = n & 128, .v4 = true, .v6 = !(n & 256),
		.port = 10025, .uid = 990, .from = networks, .from_len = networks_len,
	};
	return (n & ~bits) == 0 && (p->gate || !p->open) && (p->dns || !p->gate) &&
	    (p->method == METHOD_TPROXY || !p->source_client);
}

static struct ruleset
rules(const struct plan *p)
{
	struct ruleset r;
	char error[200];

	assert_true(ruleset_make(p, &r, error, sizeof(error)));
	return r;
}

/* How many lines hold both. */
static unsigned
lines(const char *text, const char *a, const char *b)
{
	unsigned n = 0;

	while (text != NULL && *text != '\0') {
		size_t len = strcspn(text, "\n");

		n += memmem(text, len, a, strlen(a)) != NULL &&
		    memmem(text, len, b, strlen(b)) != NULL;
		text += len + (text[len] == '\n');
	}
	return n;
}

/* One table of an iptables text, to be freed; "" when it is not there. */
static char *
table(const char *text, const char *name)
{
	const char *start = strstr(text, name);

	if (start == NULL)
		return strdup("");
	return strndup(start, (size_t)(strstr(start, "COMMIT\n") - start));
}

/* Chains that are called are there, those there are called, from here or from a base chain. */
static void
chains_complete(const struct ruleset *r, bool v4, const char *name, const char *text)
{
	char call[96], chain[64], where[64];
	const char *at;
	size_t i;

	for (at = text; (at = strstr(at, "\n:")) != NULL; at++) {
		unsigned calls;

		assert_int_equal(sscanf(at, "\n:%63s", chain), 1);
		snprintf(call, sizeof(call), "-j %s\n", chain);
		calls = strstr(text, call) != NULL;
		for (i = 0; i < r->jumps_len; i++)
			calls += r->jumps[i].v4 == v4 && strcmp(r->jumps[i].table, name) == 0 &&
			    strcmp(r->jumps[i].chain, chain) == 0;
		assert_true(calls > 0);
	}
	for (at = text; (at = strstr(at, "-j POSTERN")) != NULL; at++) {
		assert_int_equal(sscanf(at, "-j %63s", chain), 1);
		snprintf(where, sizeof(where), "\n:%.40s - [0:0]\n", chain);
		assert_non_null(strstr(text, where));
	}
	for (i = 0; i < r->jumps_len; i++)
		if (r->jumps[i].v4 == v4 && strcmp(r->jumps[i].table, name) == 0) {
			snprintf(where, sizeof(where), "\n:%s - [0:0]\n", r->jumps[i].chain);
			assert_non_null(strstr(text, where));
		}
}

static bool
jumps(const struct ruleset *r, bool v4, const char *name, const char *base, const char *chain)
{
	size_t i;

	for (i = 0; i < r->jumps_len; i++)
		if (r->jumps[i].v4 == v4 && strcmp(r->jumps[i].table, name) == 0 &&
		    strcmp(r->jumps[i].base, base) == 0 && strcmp(r->jumps[i].chain, chain) == 0)
			return true;
	return false;
}

static void
check_filter(const struct plan *p, const struct ruleset *r, bool v4, const char *text, unsigned who)
{
	assert_int_equal(lines(text, "-A POSTERN ", "-j REJECT"), p->open ? 0 : who);
	assert_int_equal(lines(text, "-A POSTERN-OUT ", "-j REJECT"), p->local && !p->open);
	/* Not what the kernel makes without a socket. */
	assert_int_equal(lines(text, "-A POSTERN-OUT ", "--socket-exists -j REJECT"),
	    p->local && !p->open);
	assert_int_equal(lines(text, "-A POSTERN-OUT", "--uid-owner 990 -j RETURN"),
	    p->local && !p->open);
	assert_int_equal(lines(text, "0x27000000/0xff000000", "RETURN"),
	    p->gate && !p->open ? 1 + p->local : 0);
	assert_int_equal(lines(text, "-A POSTERN-CUT ", "0x29000000/0xff000000 -j REJECT"), 1);
	assert_int_equal(jumps(r, v4, "filter", "FORWARD", "POSTERN"), !p->open);
	assert_true(jumps(r, v4, "filter", "FORWARD", "POSTERN-CUT"));
	assert_int_equal(jumps(r, v4, "filter", "OUTPUT", "POSTERN-OUT"), p->local && !p->open);
	assert_int_equal(jumps(r, v4, "filter", "OUTPUT", "POSTERN-CUT"), p->local && p->open);
}

static void
before(const char *text, const char *line, const char *place)
{
	const char *at = strstr(text, line);

	assert_non_null(at);
	assert_true(at < place);
}

static void
check_nat(const struct plan *p, const struct ruleset *r, bool v4, const char *text, unsigned who)
{
	bool redirect = p->method == METHOD_REDIRECT;
	const char *bring = strstr(text, "-A POSTERN-OUT -p tcp");

	assert_int_equal(lines(text, "-A POSTERN ", "! --dst-type LOCAL"), redirect ? who : 0);
	assert_int_equal(lines(text, "-j REDIRECT", ""), (redirect ? who : 0) + p->local);
	assert_int_equal(lines(text, "-j REDIRECT", "--mark 0x26000000/0xff000000"),
	    p->gate ? (redirect ? who : 0) + p->local : 0);
	assert_int_equal(jumps(r, v4, "nat", "PREROUTING", "POSTERN"), redirect);
	assert_int_equal(jumps(r, v4, "nat", "OUTPUT", "POSTERN-OUT"), p->local);
	assert_int_equal(bring != NULL, p->local);
	if (!p->local)
		return;
	/* Our own dials, and mail to this host, are let go before the rest is brought to us. */
	before(text, "-A POSTERN-OUT -m owner --uid-owner 990 -j RETURN\n", bring);
	before(text, "-A POSTERN-OUT -m mark --mark 0x25000000/0xff000000 -j RETURN\n", bring);
	before(text, "-A POSTERN-OUT -m addrtype --dst-type LOCAL -j RETURN\n", bring);
}

static void
check_mangle(const struct plan *p, const struct ruleset *r, bool v4, const char *text,
    unsigned who)
{
	bool tproxy = p->method == METHOD_TPROXY;

	assert_int_equal(lines(text, "-A POSTERN ", "! --dst-type LOCAL -j POSTERN-CLIENT"), who);
	assert_int_equal(lines(text, "-j TPROXY", ""), tproxy);
	assert_int_equal(lines(text, "-j TPROXY", p->gate ? "-m mark --mark 0x26000000/" :
	    "-p tcp "), tproxy);
	assert_int_equal(lines(text, "-j NFQUEUE", "--mark 0x0/0xff000000"), p->gate);
	assert_int_equal(lines(text, "-j NFQUEUE", "--queue-bypass"), p->open);
	assert_int_equal(lines(text, "-j CONNMARK", "--save-mark"), p->gate);
	/* What nobody brought away is marked as a client's, for the guard and for routing. */
	assert_int_equal(lines(text, "-A POSTERN-CLIENT", "0x28000000/0xff000000"),
	    !p->open && (p->gate || !tproxy));
	assert_int_equal(lines(text, "-A POSTERN-LEAK", "-j DROP"), !p->open);
	assert_int_equal(lines(text, "-j DROP", ""), !p->open);
	assert_int_equal(lines(text, "-A POSTERN-LEAK", "-j NFLOG"), 1);
	assert_int_equal(lines(text, "-A POSTERN-GUARD ", "-j POSTERN-LEAK"), p->open ? who : 2);
	assert_int_equal(lines(text, "-A POSTERN-GUARD-OUT ", "! --uid-owner 990 -j POSTERN-LEAK"),
	    p->local);
	assert_int_equal(jumps(r, v4, "mangle", p->open ? "FORWARD" : "POSTROUTING",
	    "POSTERN-GUARD"), true);
	assert_int_equal(jumps(r, v4, "mangle", "OUTPUT", "POSTERN-OUT"), p->local && p->gate);
	assert_int_equal(jumps(r, v4, "mangle", "OUTPUT", "POSTERN-OWN"), p->source_client);
	assert_int_equal(jumps(r, v4, "mangle", "PREROUTING", "POSTERN-BACK"), p->source_client);
	assert_int_equal(lines(text, "-A POSTERN-DNS ", "--nflog-group 25"),
	    p->dns ? who + p->local : 0);
	assert_int_equal(lines(text, "-A POSTERN-DNS-IN ", "! -i lo"), p->dns && p->local);
}

static void
iptables_invariants(void **state)
{
	unsigned n;
	struct plan p;
	int v;

	(void)state;
	from("192.0.2.0/24 198.51.100.7 2001:db8:1::/48 2001:db8:2::7");
	for (n = 0; n < COMBINATIONS; n++) {
		struct ruleset r;

		if (!combination(n, &p) || p.backend != BACKEND_IPTABLES)
			continue;
		r = rules(&p);
		assert_null(r.nft);
		assert_int_equal(r.chains[1] != NULL, p.v6);
		for (v = 0; v < 2 && r.chains[v] != NULL; v++) {
			unsigned who = p.interface != NULL ? 1 : 2;
			char *filter = table(r.chains[v], "*filter\n");
			char *mangle = table(r.chains[v], "*mangle\n");
			char *nat = table(r.chains[v], "*nat\n");

			assert_true(strstr(r.chains[v], "*filter") == r.chains[v]);
			assert_null(strchr(r.chains[v], '$'));
			check_filter(&p, &r, v == 0, filter, who);
			check_mangle(&p, &r, v == 0, mangle, who);
			check_nat(&p, &r, v == 0, nat, who);
			chains_complete(&r, v == 0, "filter", filter);
			chains_complete(&r, v == 0, "mangle", mangle);
			chains_complete(&r, v == 0, "nat", nat);
			assert_int_equal(lines(r.chains[0], "", ""), lines(r.chains[v], "", ""));
			free(filter);
			free(mangle);
			free(nat);
		}
		ruleset_free(&r);
	}
}

/* Every line of a tproxy is followed by the next one's, the last by a drop: nft's lets pass where
 * nobody listens. */
static void
tproxy_drops(const char *text)
{
	const char *at = text;

	while ((at = strstr(at, " tproxy ip")) != NULL) {
		const char *next = strchr(at, '\n') + 1;
		size_t len = strcspn(next, "\n");

		assert_true(memmem(next, len, " tproxy ip", 10) != NULL ||
		    (len >= 4 && memcmp(next + len - 4, "drop", 4) == 0));
		at = next;
	}
}

static void
nft_invariants(void **state)
{
	unsigned n;
	struct plan p;

	(void)state;
	from("192.0.2.0/24 198.51.100.7 2001:db8:1::/48 2001:db8:2::7");
	for (n = 0; n < COMBINATIONS; n++) {
		struct ruleset r;
		const char *guard;
		unsigned who;

		if (!combination(n, &p) || p.backend != BACKEND_NFT)
			continue;
		r = rules(&p);
		who = p.interface != NULL ? 1 : p.v6 ? 4 : 2;
		guard = strstr(r.nft, "table inet postern_guard {");
		assert_null(r.chains[0]);
		assert_int_equal(r.jumps_len, 0);
		assert_null(strchr(r.nft, '$'));
		assert_null(strstr(r.nft, "flush"));
		assert_int_equal(lines(r.nft, "table ", ""),
		    lines(r.nft, "table inet postern", ""));
		tproxy_drops(r.nft);
		assert_int_equal(lines(r.nft, " tproxy ip", ""),
		    p.method == METHOD_TPROXY ? 1 + p.v6 : 0);
		assert_int_equal(lines(r.nft, "redirect to :10025", ""), p.local +
		    (p.method == METHOD_REDIRECT ? who : 0));
		/* Mail to this host is not ours, and our own dials do not come back. */
		assert_int_equal(lines(r.nft, "redirect to :10025", "fib daddr type != local"),
		    lines(r.nft, "redirect to :10025", ""));
		assert_int_equal(lines(r.nft, "redirect to :10025", "meta skuid != 990 meta mark & "
		    "0xff000000 != 0x25000000"), p.local);
		assert_int_equal(lines(r.nft, "reject", ""), 2 + (p.open ? 0 : who) + p.local);
		assert_int_equal(lines(r.nft, "reject", "counter"), lines(r.nft, "reject", ""));
		assert_int_equal(lines(r.nft, "queue num 25", ""), p.gate);
		assert_int_equal(lines(r.nft, "queue num 25 bypass", ""), p.open);
		/* The guard counts each packet once, and asks no mark but the gate's. */
		assert_int_equal(lines(guard, "counter", ""), 1);
		assert_int_equal(lines(guard, "jump leak", ""), who + p.local);
		assert_int_equal(lines(guard, "drop", ""), !p.open);
		assert_null(strstr(guard, "0x26000000"));
		assert_null(strstr(guard, "0x28000000"));
		assert_int_equal(lines(r.nft, "group 25", ""), p.dns ? who + 2 * p.local : 0);
		ruleset_free(&r);
	}
}

static void
routes(void **state)
{
	unsigned n;
	struct plan p;

	(void)state;
	from("192.0.2.0/24 198.51.100.7 192.0.2.128/25 198.51.100.7/32 ::/0 2001:db8:2::7");
	for (n = 0; n < COMBINATIONS; n++) {
		struct ruleset r;
		unsigned families, who;

		if (!combination(n, &p))
			continue;
		r = rules(&p);
		families = 1 + p.v6;
		who = p.interface != NULL ? families : 2u + p.v6;
		assert_int_equal(lines(r.routes, "prohibit", "ipproto tcp dport 25"),
		    p.open ? 0 : who);
		assert_int_equal(lines(r.routes, "lookup 2525", "fwmark 0x26000000/0xff000000"),
		    p.method == METHOD_TPROXY ? families : 0);
		assert_int_equal(lines(r.routes, "goto", "iif lo"),
		    p.open && p.method == METHOD_REDIRECT ? 0 : families);
		assert_int_equal(lines(r.routes, "proto 225", ""), lines(r.routes, "", ""));
		assert_int_equal(lines(r.routes, "-6 ", ""), p.v6 ? lines(r.routes, "-", "") -
		    lines(r.routes, "-4 ", "") : 0);
		/* A network within another one needs no line; ip says "all" and leaves out /32. */
		if (p.interface == NULL && !p.open) {
			assert_int_equal(lines(r.routes, "from 192.0.2.0/24 ", ""), 1);
			assert_int_equal(lines(r.routes, "from 198.51.100.7 ", ""), 1);
			assert_int_equal(lines(r.routes, "from all ", "-6 "), p.v6);
		}
		ruleset_free(&r);
	}
	assert_true(ROUTE_PREF_OWN < ROUTE_PREF_PROXY && ROUTE_PREF_PROXY < ROUTE_PREF_GUARD);
}

/* ip knows no patterns of interface names, nft has other ones. */
static void
pattern_of_names(void **state)
{
	struct plan p;
	struct ruleset r;

	(void)state;
	from("192.0.2.0/24 2001:db8:1::/48");
	assert_true(combination(1, &p));
	p.interface = "ppp+";
	r = rules(&p);
	assert_true(lines(r.nft, "iifname \"ppp*\" ", "tcp dport 25") > 0);
	assert_null(strstr(r.nft, "ppp+"));
	assert_null(strstr(r.routes, "ppp"));
	assert_int_equal(lines(r.routes, "from 192.0.2.0/24", "prohibit"), 1);
	ruleset_free(&r);
	p.backend = BACKEND_IPTABLES;
	r = rules(&p);
	assert_int_equal(lines(r.chains[0], "-i ppp+ ", ""), 3);
	ruleset_free(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(iptables_invariants),
		cmocka_unit_test(nft_invariants),
		cmocka_unit_test(routes),
		cmocka_unit_test(pattern_of_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
