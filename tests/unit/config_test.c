/* config_test.c - the configuration: what is taken, and what is said about the rest
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/config.h"
#include "daemon/config_parse.h"

#define FROM "intercept:\n  from: [192.0.2.0/24]\n"
#define NOW 1795305600	/* 2026-11-22 00:00 UTC */

static bool
known_user(const char *name)
{
	return strcmp(name, "postern") == 0 || strcmp(name, "mail") == 0;
}

static bool
usable(const char *path, char *why, size_t size)
{
	if (strstr(path, "missing") != NULL)
		return config_host.ca_usable("/nonexistent", why, size);
	if (strstr(path, "empty") != NULL)
		return config_host.ca_usable("/dev/null", why, size);
	return strstr(path, "here") == NULL || config_host.ca_usable("/etc/passwd", why, size);
}

static size_t
two_resolvers(struct address *out, size_t max)
{
	assert_true(max >= 2);
	assert_true(address_parse(&out[0], "10.0.0.1", 8, 53));
	assert_true(address_parse(&out[1], "10.0.0.2", 8, 53));
	return 2;
}

static unsigned
many_cpus(void)
{
	return 500;
}

static time_t
now(void)
{
	return NOW;
}

static const struct config_host host = { known_user, usable, two_resolvers, many_cpus, now };

/* What was parsed and said last; freed by the next call. */
struct outcome {
	struct config *config;
	unsigned errors, warnings;
	char *said;
};

static struct outcome
parse_octets(const char *text, size_t len)
{
	struct outcome o;
	size_t said_len;
	FILE *out;

	o.said = NULL;
	out = open_memstream(&o.said, &said_len);
	assert_non_null(out);
	o.config = config_parse(text, len, "f.yaml", &host, out, &o.errors, &o.warnings);
	fclose(out);
	assert_true((o.config == NULL) == (o.errors > 0));
	return o;
}

static struct outcome
parse(const char *text)
{
	return parse_octets(text, strlen(text));
}

static void
done(struct outcome *o)
{
	config_free(o->config);
	free(o->said);
}

static void
test_defaults(void **state)
{
	struct outcome o = parse(FROM);
	const struct config *c = o.config;
	char text[ADDRESS_TEXT_SIZE];

	(void)state;
	assert_non_null(c);
	assert_string_equal(o.said, "");
	assert_int_equal(c->mode, MODE_ENFORCE);
	assert_false(c->inspect);
	assert_string_equal(c->user, "postern");
	assert_int_equal(c->workers, CONFIG_WORKERS_MAX);
	assert_string_equal(c->state_dir, "/var/lib/postern");
	assert_string_equal(c->control, "/run/postern/control.sock");
	assert_int_equal(c->intercept.method, METHOD_REDIRECT);
	assert_int_equal(c->intercept.backend, BACKEND_IPTABLES);
	assert_string_equal(address_print(&c->intercept.listen, text), "[::]:10025");
	assert_int_equal(c->intercept.from_len, 1);
	assert_string_equal(network_print(&c->intercept.from[0], text), "192.0.2.0/24");
	assert_null(c->intercept.interface);
	assert_false(c->intercept.local || c->intercept.source_client);
	assert_false(c->intercept.open || c->intercept.required);
	assert_true(c->intercept.watch);
	assert_true(c->client.tls_offer);
	assert_int_equal(c->resolver.servers_len, 2);
	assert_int_equal(c->resolver.trust_ad, TRUST_AD_AUTO);
	assert_string_equal(c->tls.ca_file, "/etc/ssl/certs/ca-certificates.crt");
	assert_int_equal(c->tls.min_version, 0x0303);
	assert_true(c->policy.mta_sts && c->policy.dane && c->policy.stripping_refuse);
	assert_false(c->policy.both);
	assert_int_equal(c->policy.no_policy, LEVEL_MAY);
	assert_int_equal(c->policy.wait_s, 20);
	assert_int_equal(c->limits.sessions, 10000);
	assert_int_equal(c->limits.sessions_per_client, 500);
	assert_string_equal(c->log.file, "/var/log/postern/decisions.jsonl");
	assert_int_equal(c->log.journal, JOURNAL_AUTO);
	assert_int_equal(c->log.recipients, RECIPIENTS_DOMAIN);
	assert_int_equal(c->relays_len + c->domains_len, 0);
	done(&o);
}

static const char everything[] =
    "mode: monitor\npath: upgrade\nuser: mail\nworkers: 3\nstate-dir: /s\ncontrol: /c/sock\n"
    "intercept:\n  method: none\n  backend: iptables\n  listen: \"127.0.0.1:2525\"\n"
    "  from: [192.0.2.0/24, \"2001:db8::/32\", 198.51.100.7]\n  interface: lan0\n  local: no\n"
    "  source: own\n  when-down: closed\n  scope: all\n  watch: no\n"
    "client:\n  tls: none\n"
    "resolver:\n  servers: [127.0.0.1, \"[::1]:5353\"]\n  trust-ad: Yes\n"
    "tls:\n  ca-file: /ca.pem\n  min-version: 1.0\n"
    "policy:\n  mta-sts: off\n  dane: no\n  both: no\n  no-policy: encrypt\n  stripping: log\n"
    "  wait: 2m\n"
    "limits: { sessions: 1, sessions-per-client: 1000000 }\n"
    "log:\n  file: /l/d\n  journal: no\n  recipients: full\n"
    "relays:\n  Relay.ISP.example.: { level: secure }\n"
    "domains:\n"
    "  z.example: { level: none, until: 2026-11-22, reason: \"last day\" }\n"
    "  b\xc3\xbc" "cher.example: { level: verify, until: 2027-02-28, reason: \"\xc3\xbc\" }\n";

static void
test_every_key(void **state)
{
	struct outcome o = parse(everything);
	const struct config *c = o.config;
	char text[ADDRESS_TEXT_SIZE];

	(void)state;
	assert_string_equal(o.said, "");
	assert_non_null(c);
	assert_int_equal(c->mode, MODE_MONITOR);
	assert_false(c->inspect);
	assert_string_equal(c->user, "mail");
	assert_int_equal(c->workers, 3);
	assert_string_equal(c->control, "/c/sock");
	assert_int_equal(c->intercept.method, METHOD_NONE);
	assert_string_equal(address_print(&c->intercept.listen, text), "127.0.0.1:2525");
	assert_int_equal(c->intercept.from_len, 3);
	assert_string_equal(c->intercept.interface, "lan0");
	assert_false(c->intercept.watch || c->intercept.local || c->intercept.open);
	assert_false(c->client.tls_offer);
	assert_int_equal(c->resolver.servers_len, 2);
	assert_int_equal(c->resolver.servers[0].port, 53);
	assert_int_equal(c->resolver.servers[1].port, 5353);
	assert_int_equal(c->resolver.trust_ad, TRUST_AD_YES);
	assert_int_equal(c->tls.min_version, 0x0301);
	assert_false(c->policy.mta_sts || c->policy.dane || c->policy.both);
	assert_false(c->policy.stripping_refuse);
	assert_int_equal(c->policy.no_policy, LEVEL_ENCRYPT);
	assert_int_equal(c->policy.wait_s, 120);
	assert_int_equal(c->limits.sessions, 1);
	assert_int_equal(c->limits.sessions_per_client, 1000000);
	assert_int_equal(c->log.journal, JOURNAL_NO);
	assert_int_equal(c->log.recipients, RECIPIENTS_FULL);
	assert_string_equal(c->relays[0].name, "relay.isp.example");
	assert_int_equal(c->relays[0].level, LEVEL_SECURE);
	assert_null(c->relays[0].reason);
	assert_int_equal(c->domains_len, 2);
	assert_string_equal(c->domains[0].name, "xn--bcher-kva.example");
	assert_string_equal(c->domains[1].name, "z.example");
	assert_int_equal(c->domains[1].line, 41);
	done(&o);
}

/* INTERFACE: `until` includes that whole day, UTC. */
static void
test_rule_lapses(void **state)
{
	struct outcome o = parse(everything);
	const struct config_rule *rule;
	const struct config *c = o.config;

	(void)state;
	assert_int_equal(c->domains[1].until, NOW + 86400);
	rule = config_rule_find(c->domains, c->domains_len, "z.example", NOW + 86399);
	assert_ptr_equal(rule, &c->domains[1]);
	assert_null(config_rule_find(c->domains, c->domains_len, "z.example", NOW + 86400));
	assert_null(config_rule_find(c->domains, c->domains_len, "sub.z.example", NOW));
	assert_non_null(config_rule_find(c->relays, 1, "relay.isp.example", INT32_MAX));
	assert_null(config_rule_find(NULL, 0, "z.example", NOW));
	done(&o);
}

#define SHA256 "00112233445566778899aabbccddeeff0123456789abcdef0123456789ABCDEF"
#define SHA256_COLONS "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:" \
	"01:23:45:67:89:ab:cd:ef:01:23:45:67:89:ab:cd:ef"
#define SHA512 SHA256 "ffeeddccbbaa99887766554433221100fedcba9876543210fedcba9876543210"
#define MATCH(value) "relays: { a.example: { level: fingerprint, match: " value " } }\n"

struct fault {
	const char *text;	/* without FROM in front */
	const char *said;	/* must be part of what is said */
};

static const struct fault faults[] = {
	{ "mode: enforced\n", "f.yaml:3:7: error: mode: \"enforced\" is none of enforce, monitor; "
	    "did you mean \"enforce\"?\nmode: enforced\n      ^\n" },
	{ "path: inspekt\n", "f.yaml:3:7: error: path: \"inspekt\" is none of upgrade, inspect; did "
	    "you mean \"inspect\"?\npath: inspekt\n      ^\n" },
	{ "path: [inspect]\n", "path: a single value is needed here, this is a list" },
	{ "client: { tls: none }\npath:  inspect\n", "f.yaml:4:8: error: path: inspect: what cannot "
	    "be proven in flight ends at postern, which needs client.tls: offer\n" },
	{ "domians: {}\n", "f.yaml:3:1: error: unknown key \"domians\"; did you mean "
	    "\"domains\"?" },
	{ "wibble: 1\n", "f.yaml:3:1: error: unknown key \"wibble\"\n" },
	{ "listen: x\n", "unknown key \"listen\" here; did you mean \"intercept.listen\"?" },
	{ "tls:\n  min-verison: 1.2\n", "f.yaml:4:3: error: unknown key \"min-verison\"; did you "
	    "mean \"min-version\"?" },
	{ "workers: 1\nworkers: 2\n", "f.yaml:4:1: error: \"workers\" is already on line 3" },
	{ "tls: {}\ntls: {}\n", "f.yaml:4:1: error: \"tls\" is already on line 3" },
	{ "workers: 0\n", "workers: 0 is not between 1 and 64" },
	{ "workers: 65\n", "workers: 65 is not between 1 and 64" },
	{ "workers: many\n", "\"many\" is neither auto nor a number from 1 to 64" },
	{ "workers: [1]\n", "a single value is needed here, this is a list" },
	{ "workers:\n", "workers: a value is missing" },
	{ "limits: { sessions: 0 }\n", "limits.sessions: 0 is not between 1 and 1000000" },
	{ "limits: { sessions: -1 }\n", "\"-1\" is not a number" },
	{ "limits: { sessions: 4294967297 }\n", "is not a number" },
	{ "limits: 5\n", "limits: keys of its own are needed here, this is a single value" },
	{ "user: nosuch\n", "f.yaml:3:7: error: user: there is no user \"nosuch\"" },
	{ "user: root\n", "posternd does not run as root" },
	{ "state-dir: var\n", "a path from the root is needed" },
	{ "state-dir: /var/\n", "the path ends in /" },
	{ "tls: { ca-file: /missing }\n", "tls.ca-file: /missing cannot be read: No such file" },
	{ "tls: { ca-file: /empty }\n", "tls.ca-file: /empty cannot be read: Invalid argument" },
	{ "tls: { ca-file: /here }\n", "tls.ca-file: /here holds no certificates in PEM form" },
	{ "tls: { min-version: 1.4 }\n", "\"1.4\" is none of 1.0, 1.1, 1.2, 1.3" },
	{ "policy: { wait: 20 }\n", "a duration needs a unit; did you mean \"20s\"?" },
	{ "policy: { wait: 0s }\n", "0s is not between 1s and 240s" },
	{ "policy: { wait: 1h }\n", "1h is not between 1s and 240s" },
	{ "policy: { wait: soon }\n", "\"soon\" is not a duration" },
	{ "policy: { mta-sts: perhaps }\n", "is none of yes, no" },
	{ "resolver: { servers: [] }\n", "the list is empty" },
	{ "resolver: { servers: [1.1.1.1, 1.1.1.2, 1.1.1.3, 1.1.1.4, 1.1.1.5] }\n",
	    "more than 4 entries" },
	{ "resolver: { servers: 127.0.0.1 }\n", "a list such as" },
	{ "resolver: { servers: [dns.example] }\n", "\"dns.example\" is not an address" },
	/* DANE: what one key asks of another is said at the key that asks, naming both. */
	{ "policy: { dane: perhaps }\n", "policy.dane: \"perhaps\" is none of yes, no" },
	{ "policy: { dane: no, both: yes }\n", "f.yaml:3:27: error: policy.both: yes demands what "
	    "DANE and what MTA-STS ask for together; it needs policy.dane: yes\n" },
	{ "policy: { both: TRUE, mta-sts: no }\n", "f.yaml:3:17: error: policy.both: yes demands "
	    "what DANE and what MTA-STS ask for together; it needs policy.mta-sts: yes\n" },
	{ "policy: { both: yes, mta-sts: no, dane: off }\n", "it needs policy.dane: yes and "
	    "policy.mta-sts: yes\n" },
	{ "policy: { dane: no }\ndomains:\n"
	    "  a.example: { level: dane, until: 2030-01-01, reason: r }\n",
	    "f.yaml:5:23: error: domains: level dane needs policy.dane: yes; line 3 says no\n" },
	{ "relays:\n  a.example: { level: dane-only }\npolicy:\n  dane: no\n",
	    "f.yaml:4:23: error: relays: level dane-only needs policy.dane: yes; line 6 says no" },
	{ "relays: { 192.0.2.1: { level: dane } }\n", "f.yaml:3:31: error: relays: level dane "
	    "needs a name: an address has no TLSA records; fingerprint is the level for one" },
	{ "relays: { \"2001:db8::1\": { level: dane-only } }\n", "level dane-only needs a name" },
	{ "domains: { a.example: { level: fingerprint, until: 2030-01-01, reason: r } }\n",
	    "f.yaml:3:12: error: domains: a.example needs match: the SHA-256 or SHA-512, in "
	    "hexadecimal, of its certificate or public key\n" },
	{ "relays: { a.example: { level: fingerprint } }\n", "relays: a.example needs match" },
	{ "relays: { a.example: { level: secure, match: " SHA256 " } }\n", "f.yaml:3:46: error: "
	    "relays: match counts with level fingerprint alone; this rule's level is secure\n" },
	{ "relays: { a.example: { match: [" SHA256 "], level: auto } }\n", "this rule's level is "
	    "auto" },
	{ MATCH("ab"), "f.yaml:3:51: error: relays: a fingerprint is SHA-256 (64 hexadecimal "
	    "digits) or SHA-512 (128); this has 2\n" },
	{ MATCH("0123456789abcdef0123456789abcdef01234567"), "this has 40, as SHA-1 has: that "
	    "proves nothing any more" },
	{ MATCH("0123456789abcdef0123456789abcdef"), "this has 32, as MD5 has" },
	{ MATCH(SHA512 "00"), "this has 130\n" },
	{ MATCH("\"" SHA256 "0\""), "the fingerprint ends within an octet" },
	{ MATCH("\"ab:\""), "the fingerprint ends within an octet" },
	{ MATCH("\"ab:cd::ef\""), "\"ab:cd::ef\" is not a fingerprint: hexadecimal digits are "
	    "needed, with or without colons between octets; character 7 is none" },
	{ MATCH("\":ab\""), "character 1 is none" },
	{ MATCH("\"a:b\""), "character 2 is none" },
	{ MATCH("wibble"), "\"wibble\" is not a fingerprint" },
	{ MATCH("sha256 Fingerprint=AB:CD"), "leave out what stands up to the \"=\"" },
	{ MATCH(""), "match needs a value" },
	{ MATCH("[]"), "the list is empty" },
	{ MATCH("[ab, ab, ab, ab, ab, ab, ab, ab, ab]"), "more than 8 entries" },
	{ MATCH("[[" SHA256 "]]"), "a fingerprint is needed here, this is a list" },
	{ MATCH("{ a: b }"), "a fingerprint or a list of them is needed here, this is a mapping" },
	{ MATCH("[" SHA256 ", \"" SHA256_COLONS "\"]"), "f.yaml:3:119: error: relays: this "
	    "fingerprint is in the list already" },
	{ MATCH("[" SHA256 ", \"\"]"), "match needs a value" },
	{ "relays: { a.example: { level: fingerprint, match: " SHA256 ", match: ab } }\n",
	    "\"match\" is already on line 3" },
	/* Rules */
	{ "domains: { 192.0.2.1: { level: may, until: 2030-01-01, reason: r } }\n",
	    "192.0.2.1 is an address: no mail's domain is one" },
	{ "domains: { a.example: encrypt }\n", "a rule is written a.example: { level: ..." },
	{ "domains: { a.example: { until: 2030-01-01, reason: r } }\n", "a.example needs a level" },
	{ "domains: { a.example: { level: may, until: 2030-01-01 } }\n", "needs a reason" },
	{ "domains: { a.example: { level: may, until: 2030-01-01, reason: } }\n",
	    "reason needs a value" },
	{ "domains: { a.example: { level: encrpyt, until: 2030-01-01, reason: r } }\n",
	    "unknown level \"encrpyt\"; did you mean \"encrypt\"?" },
	{ "domains: { a.example: { levle: may, until: 2030-01-01, reason: r } }\n",
	    "unknown key \"levle\"; did you mean \"level\"?" },
	{ "domains: { a.example: { level: may, level: may, until: 2030-01-01, reason: r } }\n",
	    "\"level\" is already on line 3" },
	{ "domains: { a.example: { level: may, until: 2027-02-29, reason: r } }\n",
	    "\"2027-02-29\" is not a day such as" },
	{ "domains: { a.example: { level: may, until: tomorrow, reason: r } }\n", "is not a day" },
	{ "domains: { a_b.example: { level: may, until: 2030-01-01, reason: r } }\n",
	    "\"a_b.example\" is not a domain" },
	{ "domains:\n  B.example: { level: may, until: 2030-01-01, reason: r }\n"
	    "  b.example.: { level: may, until: 2030-01-01, reason: r }\n",
	    "f.yaml:5:3: error: domains: b.example is already on line 4" },
	{ "relays: { a.example: { reason: r } }\n", "relays: a.example needs a level" },
	{ "relays: []\n", "names and their rules are needed here, this is a list" },
	/* YAML */
	{ "tls:\n\tmin-version: 1.2\n", "f.yaml:4:1: error: tab character may not be used" },
	{ "resolver: { servers: [1.1.1.1\n", "f.yaml:4:1: error: flow sequence" },
	{ "user: \"mail\n", "f.yaml:3:8: error: double-quoted scalar without closing quote" },
	{ "user: mail", "f.yaml:3:11: error: the file ends within a line" },
	{ "user: &u mail\n", "anchors, aliases and tags" },
	{ "user: *u\n", "anchors, aliases and tags" },
	{ "user: !!str mail\n", "anchors, aliases and tags" },
	{ "? [a]\n: b\n", "a key must be a plain word" },
	{ "---\nuser: mail\n", "a second document begins here" },
	{ "user: \"a\\0b\"\n", "may not hold line ends or control characters" },
	{ "a: [[[[[[[[[[[[]]]]]]]]]]]]\n", "nested too deeply" },
	{ "user: \xff\n", "f.yaml:3:7: error: this is not UTF-8 text (octet 0xff)" },
	{ "user: m\x01\n", "f.yaml:3:8: error: control character 0x01" },
};

static void
test_faults(void **state)
{
	char text[1024];
	struct outcome o;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		snprintf(text, sizeof(text), FROM "%s", faults[i].text);
		o = parse(text);
		if (o.errors == 0 || strstr(o.said, faults[i].said) == NULL)
			fail_msg("%s\nshould say: %s\nsaid: %s", faults[i].text, faults[i].said,
			    o.said);
		done(&o);
	}
}

static const struct fault sources[] = {
	{ "mode: enforce\n", "f.yaml:1:1: error: intercept.from is missing" },
	{ "mode: enforce\nintercept:\n", "f.yaml:2:1: error: intercept.from is missing" },
	{ "intercept: { from: [] }\n", "f.yaml:1:20: error: intercept.from: the list is empty" },
	{ "intercept: { from: }\n", "intercept.from: a value is missing" },
	{ "intercept: { from: 192.0.2.0/24 }\n", "a list such as" },
	{ "intercept: { from: [192.0.2.1/24] }\n", "intercept.from: 192.0.2.1/24 has host bits "
	    "set; did you mean \"192.0.2.0/24\"?" },
	{ "intercept: { from: [\"2001:db8::1:1/112\"] }\n", "did you mean \"2001:db8::1:0/112\"?" },
	{ "intercept: { from: [lan] }\n", "\"lan\" is not a network" },
	{ "intercept: { from: [10.0.0.0/8], listen: \"[::]\" }\n", "a port is missing" },
	{ "intercept: { from: [10.0.0.0/8], listen: here }\n", "is not an address and port" },
	{ "intercept: { from: [10.0.0.0/8], backend: nfs }\n", "did you mean \"nft\"?" },
	{ "intercept: { from: [10.0.0.0/8], scope: some }\n", "\"some\" is none of all, required" },
	{ "intercept: { from: [10.0.0.0/8], watch: 2 }\n", "\"2\" is none of yes, no" },
	/* What one key asks of another: said at the key that asks. */
	{ "intercept: { from: [10.0.0.0/8], listen: \"[::]:25\", method: tproxy }\n",
	    "f.yaml:1:43: error: intercept.listen: method: tproxy needs a port other than 25" },
	{ "intercept: { from: [10.0.0.0/8], source: client }\n", "f.yaml:1:42: error: "
	    "intercept.source: client needs method: tproxy" },
	{ "intercept:\n  source: client\n  method: redirect\n  from: [10.0.0.0/8]\n",
	    "f.yaml:2:11: error: intercept.source: client needs method: tproxy" },
	{ "intercept: { from: [10.0.0.0/8], method: none, source: client }\n",
	    "intercept.source: client needs method: tproxy" },
	{ "intercept: { from: [10.0.0.0/8], method: none, local: yes }\n", "f.yaml:1:55: error: "
	    "intercept.local: yes needs rules of postern's own" },
	{ "intercept: { from: [10.0.0.0/8], when-down: open, method: none }\n",
	    "intercept.when-down: open needs rules of postern's own" },
	{ "intercept: { from: [10.0.0.0/8], scope: required, method: none }\n",
	    "intercept.scope: required needs rules of postern's own" },
	{ "intercept: { from: [10.0.0.0/8], when-down: open, watch: no }\n",
	    "f.yaml:1:45: error: intercept.when-down: open needs the nfq process" },
	{ "intercept: { watch: no, from: [10.0.0.0/8], scope: required }\n",
	    "f.yaml:1:52: error: intercept.scope: required needs the nfq process" },
	{ "intercept: { from: [10.0.0.0/8] }\ninterface: lan0\n",
	    "unknown key \"interface\" here; did you mean \"intercept.interface\"?" },
	{ "intercept: { from: [10.0.0.0/8], interface: a/b }\n", "cannot be the name of an" },
	{ "intercept: { from: [10.0.0.0/8], interface: \"lan0;lan1\" }\n", "cannot be the name" },
	{ "intercept: { from: [10.0.0.0/8], interface: \"lan0, lan1\" }\n", "cannot be the name" },
	{ "intercept: { from: [10.0.0.0/8], interface: +lan }\nuser: nobody-here\n", "user:" },
	{ "intercept: { from: [10.0.0.0/8], interface: + }\n", "cannot be the name" },
	{ "intercept: { from: [10.0.0.0/8], interface: -lan0 }\n", "cannot be the name" },
	{ "", "f.yaml:1:1: error: the file is empty" },
	{ " \n\t\n", "f.yaml:1:1: error: the file is empty" },
	{ "# nothing\n", "f.yaml:1:1: error: the file holds no configuration" },
	{ "user: mail\n...\nmode: monitor\n",
	    "f.yaml:3:1: error: a second document begins here" },
	{ "user: mail\n--- # x\n", "f.yaml:2:1: error: a second document begins here" },
	{ "- a\n- b\n", "keys and values are needed here, this is a list" },
	{ "mode\n", "keys and values are needed here, this is a single value" },
	{ "\x7f" "ELF\x02\x01\x01\n", "f.yaml:1:1: error: control character 0x7f" },
};

static void
test_sources(void **state)
{
	struct outcome o;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		o = parse(sources[i].text);
		if (o.errors == 0 || strstr(o.said, sources[i].said) == NULL)
			fail_msg("%s\nshould say: %s\nsaid: %s", sources[i].text, sources[i].said,
			    o.said);
		done(&o);
	}
}

/* Fingerprints as they are written, and what is kept of them. */
static void
test_match(void **state)
{
	static const struct {
		const char *value;
		size_t len;		/* how many */
		size_t octets;		/* of the first */
	} rows[] = {
		{ SHA256, 1, 32 }, { "\"" SHA256 "\"", 1, 32 },
		{ SHA256_COLONS, 1, 32 }, { "\"" SHA256_COLONS "\"", 1, 32 },
		{ SHA512, 1, 64 }, { "[ " SHA256 " ]", 1, 32 },
		{ "[" SHA512 ", " SHA256 "]", 2, 64 },
		{ "[\n    " SHA256_COLONS ",\n    " SHA512 "]", 2, 32 },
	};
	static const uint8_t begins[] = { 0x00, 0x11, 0x22, 0x33 };
	char text[1024];
	struct outcome o;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct config_rule *rule;

		snprintf(text, sizeof(text), FROM "domains:\n  a.example: { level: fingerprint, "
		    "match: %s, until: 2030-01-01, reason: r }\n  b.example: { level: auto, "
		    "until: 2030-01-01, reason: r }\n", rows[i].value);
		o = parse(text);
		assert_string_equal(o.said, "");
		rule = config_rule_find(o.config->domains, 2, "a.example", NOW);
		assert_non_null(rule);
		assert_int_equal(rule->level, LEVEL_FINGERPRINT);
		assert_int_equal(rule->match_len, rows[i].len);
		assert_int_equal(rule->match[0].len, rows[i].octets);
		assert_memory_equal(rule->match[0].digest, begins, sizeof(begins));
		assert_int_equal(rule->match[0].digest[31], 0xef);
		rule = config_rule_find(o.config->domains, 2, "b.example", NOW);
		assert_null(rule->match);
		assert_int_equal(rule->match_len, 0);
		done(&o);
	}
}

/* As many as there may be; and what may lean on DANE where there is DANE. */
static void
test_dane_rules(void **state)
{
	struct outcome o;
	char text[2048] = FROM "relays:\n  a.example:\n    level: fingerprint\n    match:\n";

	(void)state;
	for (int i = 0; i < CONFIG_MATCHES_MAX; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "      - %02x%s\n", i,
		    &SHA256[2]);
	o = parse(text);
	assert_string_equal(o.said, "");
	assert_int_equal(o.config->relays[0].match_len, CONFIG_MATCHES_MAX);
	assert_int_equal(o.config->relays[0].match[CONFIG_MATCHES_MAX - 1].digest[0],
	    CONFIG_MATCHES_MAX - 1);
	done(&o);
	o = parse(FROM "policy: { both: yes }\nrelays: { a.example: { level: dane-only } }\n"
	    "domains: { b.example: { level: dane, until: 2030-01-01, reason: r } }\n");
	assert_string_equal(o.said, "");
	assert_true(o.config->policy.both && o.config->policy.dane && o.config->policy.mta_sts);
	assert_int_equal(o.config->relays[0].level, LEVEL_DANE_ONLY);
	assert_int_equal(o.config->domains[0].level, LEVEL_DANE);
	done(&o);
	/* Without DANE a fingerprint still counts, and `both` may be said to be off. */
	o = parse(FROM "policy: { dane: no, both: no, mta-sts: no }\n" MATCH(SHA256));
	assert_string_equal(o.said, "");
	assert_false(o.config->policy.dane || o.config->policy.both);
	done(&o);
}

/* Each way into the firewall that there is. */
static void
test_intercept(void **state)
{
	static const struct {
		const char *text;
		enum config_method method;
		enum config_backend backend;
		bool local, client, open, required, watch;
	} rows[] = {
		{ "method: tproxy", METHOD_TPROXY, BACKEND_IPTABLES, 0, 0, 0, 0, 1 },
		{ "backend: nftables", METHOD_REDIRECT, BACKEND_NFT, 0, 0, 0, 0, 1 },
		{ "backend: nft", METHOD_REDIRECT, BACKEND_NFT, 0, 0, 0, 0, 1 },
		{ "local: yes", METHOD_REDIRECT, BACKEND_IPTABLES, 1, 0, 0, 0, 1 },
		{ "source: client, method: tproxy", METHOD_TPROXY, BACKEND_IPTABLES, 0, 1, 0, 0, 1 },
		{ "when-down: open", METHOD_REDIRECT, BACKEND_IPTABLES, 0, 0, 1, 0, 1 },
		{ "scope: required", METHOD_REDIRECT, BACKEND_IPTABLES, 0, 0, 0, 1, 1 },
		{ "watch: no, local: On, scope: all", METHOD_REDIRECT, BACKEND_IPTABLES, 1, 0, 0, 0,
		    0 },
		{ "method: none", METHOD_NONE, BACKEND_IPTABLES, 0, 0, 0, 0, 1 },
	};
	char text[256];
	struct outcome o;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(text, sizeof(text), "intercept: { from: [192.0.2.0/24], %s }\n",
		    rows[i].text);
		o = parse(text);
		assert_string_equal(o.said, "");
		assert_non_null(o.config);
		assert_int_equal(o.config->intercept.method, rows[i].method);
		assert_int_equal(o.config->intercept.backend, rows[i].backend);
		assert_int_equal(o.config->intercept.local, rows[i].local);
		assert_int_equal(o.config->intercept.source_client, rows[i].client);
		assert_int_equal(o.config->intercept.open, rows[i].open);
		assert_int_equal(o.config->intercept.required, rows[i].required);
		assert_int_equal(o.config->intercept.watch, rows[i].watch);
		done(&o);
	}
	o = parse("intercept: { from: [192.0.2.0/24], method: none, watch: yes }\n");
	assert_int_equal(o.warnings, 1);
	assert_non_null(strstr(o.said, "f.yaml:1:57: warning: intercept.watch: without rules"));
	done(&o);
}

static void
test_path(void **state)
{
	static const struct {
		const char *text;
		bool inspect;
		const char *warning;
	} rows[] = {
		{ "path: inspect\n", true, "" },
		{ "path: inspect\nclient: { tls: offer }\n", true, "" },
		{ "path: upgrade\nclient: { tls: none }\n", false, "" },
		{ "path: inspect\ntls: { min-version: 1.2 }\n", true, "" },
		{ "path: inspect\ntls: { min-version: 1.3 }\n", true,
		    "f.yaml:3:7: warning: path: inspect: nothing newer than TLS 1.2" },
		{ "path: upgrade\ntls: { min-version: 1.3 }\n", false, "" },
	};
	char text[256];
	struct outcome o;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		snprintf(text, sizeof(text), FROM "%s", rows[i].text);
		o = parse(text);
		assert_non_null(o.config);
		assert_int_equal(o.config->inspect, rows[i].inspect);
		assert_non_null(strstr(o.said, rows[i].warning));
		assert_int_equal(o.warnings, rows[i].warning[0] != '\0');
		done(&o);
	}
}

static void
test_all_errors_at_once(void **state)
{
	struct outcome o = parse("mode: x\nuser: y\nworkers: z\npolicy: { wait: 1 }\n");

	(void)state;
	assert_int_equal(o.errors, 5);
	assert_non_null(strstr(o.said, "f.yaml:1:7: error: mode"));
	assert_non_null(strstr(o.said, "f.yaml:2:7: error: user"));
	assert_non_null(strstr(o.said, "f.yaml:3:10: error: workers"));
	assert_non_null(strstr(o.said, "f.yaml:4:17: error: policy.wait"));
	assert_non_null(strstr(o.said, "intercept.from is missing"));
	done(&o);
}

static void
test_warnings(void **state)
{
	struct outcome o = parse(FROM "domains:\n"
	    "  a.example: { level: may, reason: r }\n"
	    "  b.example: { level: may, until: 2026-11-20, reason: r }\n"
	    "  c.example: { level: may, until: 2026-11-21, reason: r }\n"
	    "  d.example: { level: may, until: 2026-11-22, reason: r }\n");

	(void)state;
	assert_non_null(o.config);
	assert_int_equal(o.warnings, 3);
	assert_non_null(strstr(o.said, "f.yaml:4:3: warning: the rule for a.example has no end"));
	assert_non_null(strstr(o.said, "f.yaml:5:35: warning: the rule for b.example has lapsed"));
	assert_non_null(strstr(o.said, "f.yaml:6:35: warning: the rule for c.example has lapsed"));
	assert_null(strstr(o.said, "d.example has"));
	done(&o);
}

static void
test_empty_sections_are_fine(void **state)
{
	struct outcome o = parse(FROM "tls:\n  # all defaults\ndomains:\nrelays: {}\n");

	(void)state;
	assert_string_equal(o.said, "");
	assert_non_null(o.config);
	done(&o);
}

/* A terminal must not obey what stands in the file. */
static void
test_nothing_moves_the_cursor(void **state)
{
	struct outcome o = parse(FROM "mode: \"\\e[2J\"\nx: \"\xc2\x9b" "2J\"\n");
	const char *p;

	(void)state;
	assert_true(o.errors > 0);
	for (p = o.said; *p != '\0'; p++)
		assert_true(*p == '\n' || (unsigned char)*p >= 0x20);
	assert_null(strstr(o.said, "\xc2\x9b"));
	done(&o);
}

static void
test_caret_counts_characters_and_keeps_tabs(void **state)
{
	struct outcome o = parse(FROM "limits: {\tsessions: \"\xc3\xbc\",\twibble: 1 }\n");

	(void)state;
	assert_non_null(strstr(o.said, "f.yaml:3:26: error: unknown key \"wibble\""));
	assert_non_null(strstr(o.said, "\n         \t              \t^"));
	done(&o);
}

static void
test_too_many_errors(void **state)
{
	size_t i, used = 0, size = 40000;
	char *text = malloc(size);
	struct outcome o;

	(void)state;
	assert_non_null(text);
	for (i = 0; i < 1000; i++)
		used += (size_t)snprintf(text + used, size - used, "unknown-key-%zu: 1\n", i);
	o = parse(text);
	assert_int_equal(o.errors, 1001);
	assert_non_null(strstr(o.said, "more errors are not shown"));
	assert_null(strstr(o.said, "unknown-key-150"));
	done(&o);
	free(text);
}

static void
test_size(void **state)
{
	char *text = calloc(1, CONFIG_SIZE_MAX + 1);
	struct outcome o;

	(void)state;
	assert_non_null(text);
	memset(text, '#', CONFIG_SIZE_MAX);
	memcpy(text, FROM, strlen(FROM));
	text[CONFIG_SIZE_MAX - 1] = text[CONFIG_SIZE_MAX] = '\n';
	o = parse_octets(text, CONFIG_SIZE_MAX);
	assert_non_null(o.config);
	done(&o);
	o = parse_octets(text, CONFIG_SIZE_MAX + 1);
	assert_string_equal(o.said, "f.yaml: error: the file is larger than 1048576 octets\n");
	done(&o);
	free(text);
}

/* Ten thousand rules are read in a moment, and found again. */
static void
test_many_rules(void **state)
{
	size_t i, used, size = 1000000;
	char *text = malloc(size), name[32];
	struct outcome o;

	(void)state;
	assert_non_null(text);
	used = (size_t)snprintf(text, size, FROM "domains:\n");
	for (i = 0; i < 10000; i++)
		used += (size_t)snprintf(text + used, size - used,
		    " d%zu.example: { level: may, until: 2030-01-01, reason: r }\n", i);
	o = parse(text);
	assert_non_null(o.config);
	assert_int_equal(o.config->domains_len, 10000);
	for (i = 0; i < 10000; i += 999) {
		snprintf(name, sizeof(name), "d%zu.example", i);
		assert_non_null(config_rule_find(o.config->domains, 10000, name, NOW));
	}
	done(&o);
	free(text);
}

/* Cut at any octet: never taken for whole, unless what is left is whole lines. */
static void
test_truncated(void **state)
{
	size_t len;
	struct outcome o;

	(void)state;
	for (len = 0; len < sizeof(everything) - 1; len++) {
		o = parse_octets(everything, len);
		if (o.config != NULL && everything[len - 1] != '\n')
			fail_msg("taken when cut at %zu", len);
		done(&o);
	}
}

static void
test_files(void **state)
{
	unsigned errors = 9, warnings = 9;
	size_t len;
	char *said = NULL;
	FILE *out = open_memstream(&said, &len);

	(void)state;
	assert_null(config_load("/nonexistent/f", out, &errors, &warnings));
	assert_int_equal(errors, 1);
	assert_int_equal(warnings, 0);
	assert_null(config_load("/tmp", out, NULL, NULL));
	fclose(out);
	assert_string_equal(said, "/nonexistent/f: error: No such file or directory; "
	    "postern.yaml.example is one to begin with\n"
	    "/tmp: error: Is a directory\n");
	free(said);
	config_free(NULL);
}

/* For the way to the control socket: what is right counts, whatever is wrong beside it. */
static void
test_anyway(void **state)
{
	static const struct {
		const char *text, *control;
	} rows[] = {
		{ "control: /run/x/c.sock\ngarbage: x\nintercept: { from: [lan], interface: a/b }\n",
		    "/run/x/c.sock" },
		{ "domains: { a.example: { level: may } , b..c: {} }\ncontrol: c.sock\n",
		    "/run/postern/control.sock" },
		{ "control: /run/x/c.sock\nuser: \"mail\n", "/run/postern/control.sock" },
		{ "- a\n", "/run/postern/control.sock" }, { "", "/run/postern/control.sock" },
	};
	char file[] = "/tmp/config_test.XXXXXX";
	struct config *c;
	size_t i;
	int fd = mkstemp(file);

	(void)state;
	assert_true(fd >= 0);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(ftruncate(fd, 0), 0);
		assert_int_equal(pwrite(fd, rows[i].text, strlen(rows[i].text), 0),
		    strlen(rows[i].text));
		c = config_anyway(file);
		assert_non_null(c);
		assert_string_equal(c->control, rows[i].control);
		config_free(c);
	}
	close(fd);
	unlink(file);
	assert_null(config_anyway(file));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_every_key),
		cmocka_unit_test(test_rule_lapses),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_sources),
		cmocka_unit_test(test_match),
		cmocka_unit_test(test_dane_rules),
		cmocka_unit_test(test_intercept),
		cmocka_unit_test(test_path),
		cmocka_unit_test(test_all_errors_at_once),
		cmocka_unit_test(test_warnings),
		cmocka_unit_test(test_empty_sections_are_fine),
		cmocka_unit_test(test_nothing_moves_the_cursor),
		cmocka_unit_test(test_caret_counts_characters_and_keeps_tabs),
		cmocka_unit_test(test_too_many_errors),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_many_rules),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_anyway),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
