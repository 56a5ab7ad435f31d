/* ruleset_load_test.c - whole texts of rules, and that the kernel's programs take every one of them
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * In network namespaces of their own, so as root alone. A kernel without nft's `queue` refuses it
 * by name; then the text is right as far as nft can tell. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "nfq/ruleset.h"

#define COMBINATIONS 256

static const char redirect_v4[] =
	"*filter\n"
	":POSTERN - [0:0]\n"
	":POSTERN-CUT - [0:0]\n"
	"-A POSTERN -i lan0 -p tcp -j REJECT --reject-with tcp-reset\n"
	"-A POSTERN-CUT -p tcp -m tcp ! --tcp-flags RST RST -m connmark --mark "
	    "0x29000000/0xff000000 -j REJECT --reject-with tcp-reset\n"
	"COMMIT\n"
	"*mangle\n"
	":POSTERN - [0:0]\n"
	":POSTERN-CLIENT - [0:0]\n"
	":POSTERN-GUARD - [0:0]\n"
	":POSTERN-LEAK - [0:0]\n"
	"-A POSTERN -i lan0 -m addrtype ! --dst-type LOCAL -j POSTERN-CLIENT\n"
	"-A POSTERN-CLIENT -j MARK --set-xmark 0x28000000/0xff000000\n"
	"-A POSTERN-GUARD -m mark --mark 0x28000000/0xff000000 -j POSTERN-LEAK\n"
	"-A POSTERN-GUARD -m mark --mark 0x26000000/0xff000000 -j POSTERN-LEAK\n"
	"-A POSTERN-LEAK -j NFLOG --nflog-prefix \"postern leak\" --nflog-group 26\n"
	"-A POSTERN-LEAK -j DROP\n"
	"COMMIT\n"
	"*nat\n"
	":POSTERN - [0:0]\n"
	"-A POSTERN -i lan0 -p tcp -m addrtype ! --dst-type LOCAL -j REDIRECT --to-ports "
	    "10025\n"
	"COMMIT\n";

static const char tproxy_gate_v6[] =
	"*filter\n"
	":POSTERN-CUT - [0:0]\n"
	"-A POSTERN-CUT -s 2001:db8:1::/48 -p tcp -m tcp --dport 25 ! --tcp-flags FIN,SYN,RST,ACK "
	    "SYN -m conntrack --ctstate NEW -j CONNMARK --set-xmark 0x29000000/0xff000000\n"
	"-A POSTERN-CUT -d 2001:db8:1::/48 -p tcp -m tcp --sport 25 ! --tcp-flags FIN,SYN,RST,ACK "
	    "SYN -m conntrack --ctstate NEW -j CONNMARK --set-xmark 0x29000000/0xff000000\n"
	"-A POSTERN-CUT -p tcp -m tcp ! --tcp-flags RST RST -m connmark --mark "
	    "0x29000000/0xff000000 -j REJECT --reject-with tcp-reset\n"
	"COMMIT\n"
	"*mangle\n"
	":POSTERN - [0:0]\n"
	":POSTERN-CLIENT - [0:0]\n"
	":POSTERN-GATE - [0:0]\n"
	":POSTERN-OWN - [0:0]\n"
	":POSTERN-BACK - [0:0]\n"
	":POSTERN-OUT - [0:0]\n"
	":POSTERN-GUARD - [0:0]\n"
	":POSTERN-GUARD-OUT - [0:0]\n"
	":POSTERN-LEAK - [0:0]\n"
	":POSTERN-DNS - [0:0]\n"
	":POSTERN-DNS-IN - [0:0]\n"
	"-A POSTERN -s 2001:db8:1::/48 -m addrtype ! --dst-type LOCAL -j POSTERN-CLIENT\n"
	"-A POSTERN-CLIENT -j POSTERN-GATE\n"
	"-A POSTERN-CLIENT -m mark --mark 0x27000000/0xff000000 -j RETURN\n"
	"-A POSTERN-CLIENT -p tcp -m mark --mark 0x26000000/0xff000000 -j TPROXY "
	    "--on-port 10025 --on-ip :: --tproxy-mark 0x26000000/0xff000000\n"
	"-A POSTERN-GATE -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -m mark --mark "
	    "0x0/0xff000000 -j NFQUEUE --queue-num 25 --queue-bypass\n"
	"-A POSTERN-GATE -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j CONNMARK "
	    "--save-mark --nfmask 0xff000000 --ctmask 0xff000000\n"
	"-A POSTERN-GATE -m connmark --mark 0x26000000/0xff000000 -j MARK --set-xmark "
	    "0x26000000/0xff000000\n"
	"-A POSTERN-GATE -m connmark --mark 0x27000000/0xff000000 -j MARK --set-xmark "
	    "0x27000000/0xff000000\n"
	"-A POSTERN-OWN -m mark --mark 0x25000000/0xff000000 -j CONNMARK --set-xmark "
	    "0x25000000/0xff000000\n"
	"-A POSTERN-BACK -m connmark --mark 0x25000000/0xff000000 -m conntrack --ctdir "
	    "REPLY -j MARK --set-xmark 0x26000000/0xff000000\n"
	"-A POSTERN-BACK -m mark --mark 0x26000000/0xff000000 -j ACCEPT\n"
	"-A POSTERN-OUT -m owner --uid-owner 990 -j RETURN\n"
	"-A POSTERN-OUT -m mark --mark 0x25000000/0xff000000 -j RETURN\n"
	"-A POSTERN-OUT -m addrtype --dst-type LOCAL -j RETURN\n"
	"-A POSTERN-OUT -j POSTERN-GATE\n"
	"-A POSTERN-GUARD -s 2001:db8:1::/48 -m mark ! --mark 0x27000000/0xff000000 -m "
	    "connmark ! --mark 0x29000000/0xff000000 -j POSTERN-LEAK\n"
	"-A POSTERN-GUARD-OUT -m mark --mark 0x25000000/0xff000000 -j RETURN\n"
	"-A POSTERN-GUARD-OUT -m mark --mark 0x27000000/0xff000000 -j RETURN\n"
	"-A POSTERN-GUARD-OUT -m addrtype --dst-type LOCAL -j RETURN\n"
	"-A POSTERN-GUARD-OUT -m owner --socket-exists ! --uid-owner 990 -j "
	    "POSTERN-LEAK\n"
	"-A POSTERN-LEAK -p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN -j NFLOG "
	    "--nflog-prefix \"postern leak\" --nflog-group 26\n"
	"-A POSTERN-DNS -d 2001:db8:1::/48 -j NFLOG --nflog-group 25\n"
	"-A POSTERN-DNS -o lo -j NFLOG --nflog-group 25\n"
	"-A POSTERN-DNS-IN ! -i lo -j NFLOG --nflog-group 25\n"
	"COMMIT\n"
	"*nat\n"
	":POSTERN-OUT - [0:0]\n"
	"-A POSTERN-OUT -m owner --uid-owner 990 -j RETURN\n"
	"-A POSTERN-OUT -m mark --mark 0x25000000/0xff000000 -j RETURN\n"
	"-A POSTERN-OUT -m addrtype --dst-type LOCAL -j RETURN\n"
	"-A POSTERN-OUT -p tcp -m mark --mark 0x26000000/0xff000000 -j REDIRECT "
	    "--to-ports 10025\n"
	"COMMIT\n";

static const char nft_tproxy[] =
	"add table inet postern\n"
	"delete table inet postern\n"
	"add table inet postern_guard\n"
	"delete table inet postern_guard\n"
	"table inet postern {\n"
	"\tchain prerouting {\n"
	"\t\ttype filter hook prerouting priority -149; policy accept;\n"
	"\t\tip saddr 192.0.2.0/24 tcp dport 25 fib daddr type != local jump client\n"
	"\t\tip6 saddr 2001:db8:1::/48 tcp dport 25 fib daddr type != local jump client\n"
	"\t}\n"
	"\tchain client {\n"
	"\t\tmeta nfproto ipv4 meta l4proto tcp tproxy ip to :10025 meta mark set meta "
	    "mark & 0x00ffffff | 0x26000000 accept\n"
	"\t\tmeta nfproto ipv6 meta l4proto tcp tproxy ip6 to :10025 meta mark set meta "
	    "mark & 0x00ffffff | 0x26000000 accept\n"
	"\t\tdrop\n"
	"\t}\n"
	"\tchain forward {\n"
	"\t\ttype filter hook forward priority -1; policy accept;\n"
	"\t\ttcp dport 25 tcp flags & rst == 0 ct mark & 0xff000000 == 0x29000000 "
	    "counter reject with tcp reset\n"
	"\t\ttcp sport 25 tcp flags & rst == 0 ct mark & 0xff000000 == 0x29000000 "
	    "counter reject with tcp reset\n"
	"\t\tip saddr 192.0.2.0/24 tcp dport 25 counter reject with tcp reset\n"
	"\t\tip6 saddr 2001:db8:1::/48 tcp dport 25 counter reject with tcp reset\n"
	"\t}\n"
	"}\n"
	"table inet postern_guard {\n"
	"\tchain leak {\n"
	"\t\tcounter log prefix \"postern leak\" group 26\n"
	"\t\tdrop\n"
	"\t}\n"
	"\tchain forward {\n"
	"\t\ttype filter hook forward priority 10; policy accept;\n"
	"\t\tip saddr 192.0.2.0/24 tcp dport 25 jump leak\n"
	"\t\tip6 saddr 2001:db8:1::/48 tcp dport 25 jump leak\n"
	"\t}\n"
	"}\n";

static const char nft_tproxy_routes[] =
	"-4 rule add pref 29 nop proto 225\n"
	"-4 rule add pref 20 iif lo goto 29 proto 225\n"
	"-4 route add local default dev lo table 2525 proto 225\n"
	"-4 rule add pref 21 fwmark 0x26000000/0xff000000 lookup 2525 proto 225\n"
	"-4 rule add pref 23 from 192.0.2.0/24 fwmark 0/0xff000000 ipproto tcp dport 25 "
	    "prohibit proto 225\n"
	"-6 rule add pref 29 nop proto 225\n"
	"-6 rule add pref 20 iif lo goto 29 proto 225\n"
	"-6 route add local default dev lo table 2525 proto 225\n"
	"-6 rule add pref 21 fwmark 0x26000000/0xff000000 lookup 2525 proto 225\n"
	"-6 rule add pref 23 from 2001:db8:1::/48 fwmark 0/0xff000000 ipproto tcp dport "
	    "25 prohibit proto 225\n";

static struct network networks[3];

static struct plan
plan(void)
{
	static const char *const texts[] = { "192.0.2.0/24", "2001:db8:1::/48" };
	struct plan p = { .port = 10025, .uid = 990, .from = networks, .from_len = 2, .v4 = true,
		.v6 = true };
	size_t i;
	bool bits;

	for (i = 0; i < 2; i++)
		assert_true(network_parse(&networks[i], texts[i], strlen(texts[i]), &bits));
	return p;
}

static struct ruleset
rules(const struct plan *p)
{
	struct ruleset r;
	char error[200];

	assert_true(ruleset_make(p, &r, error, sizeof(error)));
	return r;
}

static void
whole_texts(void **state)
{
	struct plan p = plan();
	struct ruleset r;

	(void)state;
	p.interface = "lan0";
	p.v6 = false;
	r = rules(&p);
	assert_string_equal(r.chains[0], redirect_v4);
	assert_null(r.chains[1]);
	ruleset_free(&r);
	ruleset_free(&r);
	p = plan();
	p.method = METHOD_TPROXY;
	p.open = p.gate = p.dns = p.local = p.source_client = true;
	r = rules(&p);
	assert_string_equal(r.chains[1], tproxy_gate_v6);
	ruleset_free(&r);
	p = plan();
	p.method = METHOD_TPROXY;
	p.backend = BACKEND_NFT;
	r = rules(&p);
	assert_string_equal(r.nft, nft_tproxy);
	assert_string_equal(r.routes, nft_tproxy_routes);
	ruleset_free(&r);
}

/* Runs a shell command with `in` on its stdin; what it prints goes to out. */
static int
run(const char *command, const char *in, char *out, size_t size)
{
	char name[] = "/tmp/postern-rules-XXXXXX", whole[512];
	int fd = mkstemp(name), status;
	FILE *p;
	size_t n;

	if (fd < 0 || write(fd, in, strlen(in)) != (ssize_t)strlen(in))
		return -1;
	close(fd);
	snprintf(whole, sizeof(whole), "%s < %s 2>&1", command, name);
	p = popen(whole, "r");
	n = p == NULL ? 0 : fread(out, 1, size - 1, p);
	out[n] = '\0';
	status = p == NULL ? -1 : pclose(p);
	unlink(name);
	return status;
}

/* Calls f in a child with an empty network namespace; true when it returned true. */
static bool
in_namespace(bool (*f)(void))
{
	pid_t child;
	int status = 0;
	char out[256];

	fflush(NULL);
	child = fork();
	if (child == 0) {
		if (unshare(CLONE_NEWNET) != 0)
			_exit(77);
		_exit(run("ip link set lo up", "", out, sizeof(out)) == 0 && f() ? 0 : 1);
	}
	assert_true(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	return WEXITSTATUS(status) == 0;
}

static bool
combination(unsigned n, struct plan *p)
{
	*p = plan();
	p->backend = n & 1 ? BACKEND_NFT : BACKEND_IPTABLES;
	p->method = n & 2 ? METHOD_TPROXY : METHOD_REDIRECT;
	p->interface = n & 4 ? "lan0" : NULL;
	p->local = n & 8;
	p->source_client = n & 16;
	p->open = n & 32;
	p->gate = p->dns = n & 64;
	p->dns |= n & 128 && !p->open;
	return (p->gate || !p->open) && !(n & 128 && p->gate) &&
	    (p->method == METHOD_TPROXY || !p->source_client);
}

static bool
taken(const struct plan *p, const struct ruleset *r)
{
	char out[4096];

	if (p->backend == BACKEND_IPTABLES)
		return run("iptables-restore --test --noflush", r->chains[0], out,
		    sizeof(out)) == 0 && run("ip6tables-restore --test --noflush", r->chains[1],
		    out, sizeof(out)) == 0;
	if (run("nft -c -f -", r->nft, out, sizeof(out)) == 0)
		return true;
	return p->gate && strstr(out, "queue num 25") != NULL && strstr(out, "syntax") == NULL &&
	    strstr(out, "Could not process rule: No such file or directory") != NULL;
}

static bool
all_taken(void)
{
	struct plan p;
	unsigned n;

	for (n = 0; n < COMBINATIONS; n++) {
		struct ruleset r;
		bool ok;

		if (!combination(n, &p))
			continue;
		r = rules(&p);
		ok = taken(&p, &r);
		ruleset_free(&r);
		if (!ok) {
			fprintf(stderr, "refused: combination %u\n", n);
			return false;
		}
	}
	return true;
}

static void
the_kernel_takes_them(void **state)
{
	(void)state;
	assert_true(in_namespace(all_taken));
}

#define LISTING "iptables-save | grep -v '^#'; ip6tables-save | grep -v '^#'; nft -s list " \
	"tables; ip -4 rule; ip -6 rule; ip -4 route show table 2525; ip -6 route show table 2525"
#define LISTING_SIZE 65536

/* The commands of `rules show`, by sh, twice: nothing is said, and nothing is there twice. */
static bool
shown_twice(const struct plan *p)
{
	static char once[LISTING_SIZE], twice[LISTING_SIZE], said[4096];
	struct ruleset r = rules(p);
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	bool ok;

	ruleset_show(p, &r, out);
	fclose(out);
	ok = run("sh -eu", text, said, sizeof(said)) == 0 && said[0] == '\0';
	run(LISTING, "", once, sizeof(once));
	ok = ok && run("sh -eu", text, said, sizeof(said)) == 0 && said[0] == '\0';
	run(LISTING, "", twice, sizeof(twice));
	if (!ok || strcmp(once, twice) != 0)
		fprintf(stderr, "%s\n%s\n", text, said);
	ok = ok && strcmp(once, twice) == 0 && strstr(once, p->backend == BACKEND_NFT ?
	    "table inet postern_guard" : "POSTERN-GUARD") != NULL;
	free(text);
	ruleset_free(&r);
	return ok;
}

static bool
commands_work(void)
{
	struct plan p = plan();
	char out[4096];

	p.method = METHOD_TPROXY;
	p.local = p.source_client = p.gate = p.dns = true;
	if (!shown_twice(&p))
		return false;
	p = plan();
	p.backend = BACKEND_NFT;
	if (!shown_twice(&p))
		return false;
	/* Nothing of ours is left of the routing, and the rest is. */
	run("ip -4 -force -batch -", ruleset_route_removal, out, sizeof(out));
	run("ip -6 -force -batch -", ruleset_route_removal, out, sizeof(out));
	run("ip -4 rule; ip -6 rule; ip -6 route show table 2525", "", out, sizeof(out));
	return strstr(out, "225") == NULL && strstr(out, "lookup main") != NULL &&
	    strstr(out, "lookup local") != NULL;
}

static void
shown_commands(void **state)
{
	(void)state;
	assert_true(in_namespace(commands_work));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_texts),
		cmocka_unit_test(the_kernel_takes_them),
		cmocka_unit_test(shown_commands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
