/* apply_test.c - rules into the kernel and out of it, by the real programs in empty namespaces
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <arpa/inet.h>
#include <cap-ng.h>
#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#include "namespace.h"
#include "nfq/apply.h"
#include "nfq/mark.h"

#define USER 65534
#define TEXT_(n) #n
#define TEXT(n) TEXT_(n)

static struct network from[3];

/* A plan of the usual kind, to be changed. */
static struct plan
usual(enum config_method method, enum config_backend backend)
{
	return (struct plan){ .method = method, .backend = backend, .port = 10025, .from = from,
		.from_len = 3, .uid = USER, .v4 = true, .v6 = true };
}

static struct ruleset
made(const struct plan *p)
{
	struct ruleset r;
	char error[256];

	assert_true(ruleset_make(p, &r, error, sizeof(error)));
	return r;
}

static void
install(const struct ruleset *r)
{
	char error[600] = "";

	if (!apply_install(r, error, sizeof(error)))
		fail_msg("%s", error);
}

static char *
loaded(void)
{
	char error[600] = "", *text = apply_loaded(-1, error, sizeof(error));

	if (text == NULL)
		fail_msg("%s", error);
	return text;
}

static void
assert_loaded(const char *expected)
{
	char *text = loaded();

	assert_string_equal(text, expected);
	free(text);
}

static void
remove_all(bool expected)
{
	char error[600] = "";
	bool found = !expected;

	if (!apply_remove(&found, error, sizeof(error)))
		fail_msg("%s", error);
	assert_int_equal(found, expected);
}

static int
set_up(void **state)
{
	static const char *const texts[] = { "192.0.2.0/24", "198.51.100.7", "2001:db8::/32" };
	bool host_bits;
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++)
		if (!network_parse(&from[i], texts[i], strlen(texts[i]), &host_bits))
			return -1;
	return namespace_new() ? 0 : -1;
}

/* Others' rules in every table, in the same chains, with names and words like ours. */
static const char others[] =
    "set -e\n"
    "for p in iptables ip6tables; do for t in filter mangle nat raw security; do\n"
    "$p -t $t -N POSTERNX; $p -t $t -A POSTERNX -p tcp --dport 26 -j RETURN\n"
    "$p -t $t -N postern; $p -t $t -N X-POSTERN\n"
    "$p -t $t -A OUTPUT -j POSTERNX\n"
    "$p -t $t -A OUTPUT -p tcp --dport 25 -m comment --comment 'see \"-j POSTERN\" -j POSTERN here' "
    "-j ACCEPT\n"
    "$p -t $t -A OUTPUT -m comment --comment '-j POSTERN' -j postern\n"
    "$p -t $t -A OUTPUT -m comment --comment 'of two lines\n"
    "[0:0] -A OUTPUT -j POSTERN\n"
    ":POSTERN - [0:0]' -j postern\n"
    "done\n"
    "for t in filter mangle; do $p -t $t -P FORWARD DROP; done\n"
    "$p -A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT\n"
    "$p -A FORWARD -p tcp -m tcp --dport 25 -j X-POSTERN\n"
    "$p -A FORWARD -p tcp -m tcp --dport 25 -j X-POSTERN\n"
    "$p -t mangle -A PREROUTING -p tcp -m tcp --dport 25 -j MARK --set-xmark 0x1/0xff\n"
    "for c in FORWARD INPUT POSTROUTING; do $p -t mangle -A $c -p udp -j POSTERNX; done\n"
    "$p -t nat -A PREROUTING -p tcp --dport 80 -j REDIRECT --to-ports 8080\n"
    "done\n"
    "nft 'table inet posternx { chain forward { type filter hook forward priority 0; "
    "tcp dport 25 counter; }; }'\n"
    "nft 'table ip postern { chain POSTERN { tcp dport 25 counter; }; }'\n"
    "ip rule add pref " TEXT(ROUTE_PREF_OWN) " from 203.0.113.0/24 lookup main\n"
    "ip rule add pref " TEXT(ROUTE_PREF_GUARD) " iif lan0 ipproto tcp dport 25 prohibit\n"
    "ip -6 rule add pref " TEXT(ROUTE_PREF_END) " nop\n"
    "ip route add local 203.0.113.9 dev lo table 2525\n";

/* What is loaded after installation is the canonical text, however often; nothing is left behind. */
static void
in_and_out(void **state)
{
	static const struct {
		enum config_method method;
		enum config_backend backend;
		bool gate, open, local, source, dns;
		const char *interface;
	} rows[] = {
		{ METHOD_REDIRECT, BACKEND_IPTABLES, false, false, false, false, false, NULL },
		{ METHOD_REDIRECT, BACKEND_IPTABLES, true, true, true, false, true, "lan0" },
		{ METHOD_REDIRECT, BACKEND_NFT, false, false, true, false, true, "lan0" },
		{ METHOD_TPROXY, BACKEND_IPTABLES, true, false, true, true, true, NULL },
		{ METHOD_TPROXY, BACKEND_NFT, false, false, false, true, false, NULL },
	};
	size_t i, k;

	(void)state;
	assert_int_equal(system(others), 0);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct plan p = usual(rows[i].method, rows[i].backend);
		char *before = firewall(), *after, *text, error[600] = "";
		struct ruleset r;

		p.gate = rows[i].gate;
		p.open = rows[i].open;
		p.local = rows[i].local;
		p.source_client = rows[i].source;
		p.dns = rows[i].dns;
		p.interface = rows[i].interface;
		r = made(&p);
		text = apply_canonical(&r, error, sizeof(error));
		if (text == NULL)
			fail_msg("row %zu: %s", i, error);
		assert_true(strlen(text) > 500);
		assert_loaded("");
		for (k = 0; k < 2; k++) {
			install(&r);
			assert_loaded(text);
		}
		remove_all(true);
		assert_loaded("");
		remove_all(false);
		after = firewall();
		assert_string_equal(after, before);
		free(before);
		free(after);
		free(text);
		ruleset_free(&r);
	}
}

/* Another configuration, another backend: what the new one does not have goes. */
static void
replaced(void **state)
{
	static const enum config_method methods[] = { METHOD_REDIRECT, METHOD_TPROXY };
	static const enum config_backend backends[] = { BACKEND_IPTABLES, BACKEND_NFT,
		BACKEND_IPTABLES };
	size_t i;

	(void)state;
	for (i = 0; i < 6; i++) {
		struct plan p = usual(methods[i % 2], backends[i % 3]);
		char *text, error[600];
		struct ruleset r;

		p.local = i % 2 == 0;
		p.from_len = i % 4 == 0 ? 3 : 1;
		p.v6 = i % 4 == 0;
		r = made(&p);
		text = apply_canonical(&r, error, sizeof(error));
		install(&r);
		assert_loaded(text);
		free(text);
		ruleset_free(&r);
	}
	remove_all(true);
}

/* Foreign hands: jumps twice, from other chains, a rule of theirs in our chain, a chain of that
 * name. All of it is seen, and goes. */
static void
tampered(void **state)
{
	struct plan p = usual(METHOD_REDIRECT, BACKEND_IPTABLES);
	struct ruleset r = made(&p);
	char *text, *now;

	(void)state;
	install(&r);
	text = loaded();
	assert_int_equal(system("iptables -N OTHER; iptables -A OTHER -s 10.0.0.0/8 -j POSTERN; "
	    "iptables -A OTHER -g POSTERN; iptables -A FORWARD -p tcp --dport 25 -j POSTERN; "
	    "iptables -I POSTERN -j ACCEPT; iptables -N POSTERN-NEW; "
	    "iptables -A POSTERN-NEW -j POSTERN-CUT; iptables -A POSTERN-CUT -j POSTERN; "
	    "ip6tables -t nat -F; ip -6 rule del pref " TEXT(ROUTE_PREF_GUARD) " proto 225"), 0);
	now = loaded();
	assert_non_null(strstr(now, "\n-A OTHER -s 10.0.0.0/8 -j POSTERN\n-A OTHER -g POSTERN\n"));
	assert_non_null(strstr(now, "\n-A POSTERN -j ACCEPT\n"));
	assert_non_null(strstr(now, "\n:POSTERN-NEW -\n"));
	free(now);
	install(&r);
	assert_loaded(text);
	assert_int_equal(system("iptables -S OTHER | grep -q POSTERN"), 256);
	assert_int_equal(system("iptables -N POSTERN-NEW; iptables -A POSTERN-NEW -j POSTERN; "
	    "iptables -A OTHER -g POSTERN-NEW"), 0);
	remove_all(true);
	assert_loaded("");
	free(text);
	ruleset_free(&r);
}

/* Rules that iptables cannot show, made by nft in the table that is iptables' own: where rules are
 * wanted too, that is refused, and what came before it is undone. */
static void
failure(void **state)
{
	static const struct {
		const char *command, *says;
	} spoils[] = {
		/* iptables-save ends at this one, and leaves out what holds the others. */
		{ "nft add rule ip nat PREROUTING meta iifgroup 7 meta cpu 1 counter accept",
		    "IPv4 table nat holds rules of another program" },
		{ "nft add rule ip nat PREROUTING tcp dport 1 redirect to :2",
		    "IPv4 table nat holds rules of another program" },
		/* IPv4 has been changed when this is seen. */
		{ "nft add rule ip6 nat PREROUTING tcp dport 1 redirect to :2",
		    "IPv6 table nat holds rules of another program" },
	};
	struct plan p = usual(METHOD_TPROXY, BACKEND_IPTABLES), q = usual(METHOD_REDIRECT,
	    BACKEND_IPTABLES), n = usual(METHOD_REDIRECT, BACKEND_NFT);
	struct ruleset old, new, nft;
	char error[600] = "", *text, *all, *again;
	size_t i;

	(void)state;
	q.local = true;
	old = made(&p);
	new = made(&q);
	nft = made(&n);
	for (i = 0; i < 3; i++) {
		print_message("%s\n", spoils[i].command);
		assert_true(namespace_new());
		assert_int_equal(system("iptables -t nat -A PREROUTING -j RETURN; "
		    "ip6tables -t nat -A PREROUTING -j RETURN"), 0);
		assert_int_equal(system(spoils[i].command), 0);
		/* Nothing was there; then nothing stays. */
		assert_false(apply_install(&new, error, sizeof(error)));
		assert_non_null(strstr(error, spoils[i].says));
		assert_non_null(strstr(error, "\nnext: "));
		assert_loaded("");
		/* Rules were there, which do not need that table, and another rule above them. */
		install(&old);
		assert_int_equal(system("iptables -I FORWARD -s 10.1.1.1 -j ACCEPT; "
		    "iptables -A FORWARD -p tcp --dport 25 -j POSTERN"), 0);
		text = loaded();
		all = firewall();
		assert_false(apply_install(&new, error, sizeof(error)));
		assert_loaded(text);
		again = firewall();
		assert_string_equal(again, all);
		free(text);
		free(all);
		free(again);
		/* nft has its own tables. */
		install(&nft);
		remove_all(true);
	}
	ruleset_free(&old);
	ruleset_free(&new);
	ruleset_free(&nft);
}

/* The same, after our rules came into that table: said, rather than taken for nothing there. */
static void
hidden(void **state)
{
	struct plan p = usual(METHOD_REDIRECT, BACKEND_IPTABLES);
	struct ruleset r = made(&p);
	char error[600] = "";
	bool found;

	(void)state;
	install(&r);
	assert_int_equal(system("nft add rule ip nat PREROUTING tcp dport 1 redirect to :2"), 0);
	assert_null(apply_loaded(-1, error, sizeof(error)));
	assert_non_null(strstr(error, "nat holds chains of ours and rules of another program"));
	assert_false(apply_remove(&found, error, sizeof(error)));
	assert_non_null(strstr(error, "\nnext: "));
	ruleset_free(&r);
}

/* What a kernel refuses is refused before anything is touched. */
static void
refused(void **state)
{
	struct plan p = usual(METHOD_REDIRECT, BACKEND_IPTABLES);
	struct ruleset r = made(&p);
	char error[600] = "", *before = firewall(), *after;

	(void)state;
	free(r.chains[1]);
	r.chains[1] = strdup("*filter\n:POSTERN - [0:0]\n-A POSTERN -m nonsense -j ACCEPT\nCOMMIT\n");
	assert_false(apply_install(&r, error, sizeof(error)));
	assert_non_null(strstr(error, "ip6tables-restore: "));
	after = firewall();
	assert_string_equal(after, before);
	free(before);
	free(after);
	ruleset_free(&r);
}

/* Somebody else changes the same chains all the time: neither side loses. */
static void
contention(void **state)
{
	struct plan p = usual(METHOD_REDIRECT, BACKEND_IPTABLES);
	struct ruleset r = made(&p);
	char *text;
	int i, status;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		exit(system("for i in $(seq 60); do iptables -I FORWARD -s 10.0.0.$i -j ACCEPT || "
		    "exit 1; [ $i -lt 5 ] || iptables -D FORWARD -s 10.0.0.$((i - 4)) -j ACCEPT || "
		    "exit 1; done") == 0 ? 0 : 1);
	install(&r);
	text = loaded();
	for (i = 0; i < 12; i++)
		install(&r);
	assert_loaded(text);
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
	assert_int_equal(system("test $(iptables -S FORWARD | grep -c 10.0.0) = 4"), 0);
	remove_all(true);
	assert_int_equal(system("test $(iptables -S FORWARD | grep -c 10.0.0) = 4"), 0);
	free(text);
	ruleset_free(&r);
}

/* Tries to come through to a listener at port 25 until it is killed; exit 1 if it did. */
static void
try_to_pass(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(25),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);

		if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0)
			_exit(1);
		close(fd);
	}
}

/* Rules that close this host's own port 25, put in again and again by both backends. */
static void
no_gap(void **state)
{
	struct ruleset tables = { .chains = { strdup("*filter\n:POSTERN-OUT - [0:0]\n"
	    "-A POSTERN-OUT -p tcp -j REJECT --reject-with tcp-reset\nCOMMIT\n") },
	    .jumps_len = 1, .routes = strdup(""), .jumps = { { true, "filter", "OUTPUT",
	    "POSTERN-OUT", "-p tcp -m tcp --dport 25" } } };
	struct ruleset nft = { .routes = strdup(""), .nft = strdup(
	    "add table inet postern\ndelete table inet postern\n"
	    "table inet postern {\nchain output {\ntype filter hook output priority -1;\n"
	    "tcp dport 25 reject with tcp reset\n}\n}\n") };
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(25) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), i, status;
	pid_t pid;

	(void)state;
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(fd, 1), 0);
	install(&tables);
	pid = fork();
	if (pid == 0)
		try_to_pass();
	for (i = 0; i < 12; i++)
		install(i % 3 == 1 ? &nft : &tables);
	assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
	/* The other direction: without them it passes at once. */
	remove_all(true);
	waitpid(pid, &status, 0);
	assert_int_equal(WEXITSTATUS(status), 1);
	close(fd);
	ruleset_free(&tables);
	ruleset_free(&nft);
}

/* Sessions that are delivered by our routes: installing again takes none of them away, not for a
 * moment. */
static void
routes_stay(void **state)
{
	struct plan p = usual(METHOD_TPROXY, BACKEND_IPTABLES), q = p;
	struct ruleset r, s;
	char path[] = "/tmp/postern-routes-XXXXXX", *seen, command[128];
	int fd = mkstemp(path), status;
	pid_t pid;

	(void)state;
	q.from_len = 1;
	r = made(&p);
	s = made(&q);
	install(&r);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(fd, 1);
		execlp("ip", "ip", "monitor", "rule", "route", NULL);
		_exit(127);
	}
	usleep(200000);
	install(&r);
	install(&s);
	usleep(200000);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	/* What the other plan does not have is all that goes. */
	snprintf(command, sizeof(command), "cat %s; rm %s", path, path);
	seen = printed(command);
	print_message("%s", seen);
	assert_null(strstr(seen, "lookup"));
	assert_null(strstr(seen, "default dev lo"));
	assert_null(strstr(seen, "goto"));
	assert_non_null(strstr(seen, "Deleted " TEXT(ROUTE_PREF_GUARD) ":\tfrom 198.51.100.7 "));
	free(seen);
	close(fd);
	ruleset_free(&r);
	ruleset_free(&s);
}

/* As the nfq process: an ordinary user, CAP_NET_ADMIN alone, no new privileges. */
static void
become_user(void)
{
	capng_clear(CAPNG_SELECT_BOTH);
	capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_INHERITABLE |
	    CAPNG_BOUNDING_SET, CAP_NET_ADMIN);
	if (capng_change_id(USER, USER, CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING) != 0 ||
	    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_ADMIN, 0, 0) != 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		_exit(10);
}

static void
as_user(void **state)
{
	static const enum config_backend backends[] = { BACKEND_IPTABLES, BACKEND_NFT };
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		struct plan p = usual(METHOD_TPROXY, backends[i]);
		struct ruleset r = made(&p);
		char error[600] = "", *text;
		int status;
		pid_t pid;

		install(&r);
		text = loaded();
		assert_int_equal(system("iptables -F; nft delete table inet postern; "
		    "ip rule del pref " TEXT(ROUTE_PREF_PROXY) " proto 225; "
		    "ip -6 rule del pref " TEXT(ROUTE_PREF_GUARD) " proto 225; "
		    "ip route flush table 2525; :"), 0);
		pid = fork();
		if (pid == 0) {
			char *now;

			become_user();
			if (!apply_install(&r, error, sizeof(error))) {
				fprintf(stderr, "%s\n", error);
				_exit(11);
			}
			now = apply_loaded(-1, error, sizeof(error));
			_exit(now == NULL ? 12 : strcmp(now, text) != 0);
		}
		waitpid(pid, &status, 0);
		assert_int_equal(status, 0);
		assert_loaded(text);
		free(text);
		ruleset_free(&r);
	}
}

/* A rule of policy routing for each: nobody waits for that longer than for the lock of the rules. */
static void
thousand_networks(void **state)
{
	struct plan p = usual(METHOD_REDIRECT, BACKEND_IPTABLES);
	struct network many[1001];
	struct timespec began, ended;
	struct ruleset r;
	bool host_bits;
	char text[32];
	size_t i;

	(void)state;
	for (i = 0; i < 1000; i++) {
		int n = snprintf(text, sizeof(text), "10.%zu.%zu.0/24", i / 250, i % 250);

		assert_true(network_parse(&many[i], text, (size_t)n, &host_bits));
	}
	assert_true(network_parse(&many[i], "2001:db8::/32", 13, &host_bits));
	p.from = many;
	p.from_len = 1001;
	r = made(&p);
	clock_gettime(CLOCK_MONOTONIC, &began);
	install(&r);
	install(&r);
	clock_gettime(CLOCK_MONOTONIC, &ended);
	assert_true(ended.tv_sec - began.tv_sec < 10);
	remove_all(true);
	ruleset_free(&r);
}

static void
before_ours(void **state)
{
	struct plan p = usual(METHOD_REDIRECT, BACKEND_IPTABLES);
	struct ruleset r = made(&p);
	char *text, error[600];

	(void)state;
	assert_int_equal(system("iptables -A FORWARD -j ACCEPT"), 0);
	install(&r);
	text = apply_before(error, sizeof(error));
	assert_string_equal(text, "");
	free(text);
	assert_int_equal(system("iptables -I FORWARD 1 -s 10.1.1.1 -j ACCEPT; "
	    "iptables -I FORWARD 3 -s 10.1.1.1 -j ACCEPT; "
	    "ip6tables -t nat -I PREROUTING -p udp -j ACCEPT"), 0);
	text = apply_before(error, sizeof(error));
	assert_string_equal(text, "2 rules stand before ours in filter FORWARD (IPv4)\n"
	    "1 rule stands before ours in nat PREROUTING (IPv6)\n");
	free(text);
	/* They are not ours, so nothing else says so, and installing again comes before them. */
	install(&r);
	text = apply_before(error, sizeof(error));
	assert_string_equal(text, "");
	free(text);
	ruleset_free(&r);
}

/* Packets that come by rules like ours in OUTPUT, where a namespace alone can send some. */
static void
counts(void **state)
{
	struct ruleset tables = { .chains = { strdup("*filter\n:POSTERN - [0:0]\n"
	    "-A POSTERN -p tcp -j REJECT --reject-with tcp-reset\n:POSTERN-GUARD - [0:0]\n"
	    ":POSTERN-LEAK - [0:0]\n-A POSTERN-GUARD -d 127.0.0.3 -j RETURN\n"
	    "-A POSTERN-GUARD -d 127.0.0.2 -j POSTERN-LEAK\n"
	    "-A POSTERN-LEAK -j NFLOG --nflog-group 26\n-A POSTERN-LEAK -j DROP\nCOMMIT\n") },
	    .jumps_len = 2, .routes = strdup(""), .jumps = {
	    { true, "filter", "OUTPUT", "POSTERN", "-p tcp -m tcp --dport 25" },
	    { true, "filter", "OUTPUT", "POSTERN-GUARD", "-p icmp" } } };
	struct ruleset nft = { .routes = strdup(""), .nft = strdup(
	    "table inet postern {\nchain output {\ntype filter hook output priority -1;\n"
	    "tcp dport 25 counter reject with tcp reset\n}\n}\n"
	    "table inet postern_guard {\nchain leak {\ncounter log group 26\ndrop\n}\n"
	    "chain output {\ntype filter hook output priority -1;\n"
	    "ip daddr 127.0.0.2 meta l4proto icmp jump leak\n}\n}\n") };
	const struct ruleset *both[] = { &tables, &nft };
	unsigned long long guard, no;
	char error[600];
	size_t i;

	(void)state;
	assert_true(apply_counts(&guard, &no, error, sizeof(error)));
	assert_true(guard == 0 && no == 0);
	for (i = 0; i < 2; i++) {
		install(both[i]);
		/* A packet of a raw socket, and two connections. */
		assert_int_equal(system("python3 -c \"\n"
		    "import socket\n"
		    "s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)\n"
		    "for to in '127.0.0.2', '127.0.0.2', '127.0.0.2', '127.0.0.3', '127.0.0.1':\n"
		    " try: s.sendto(b'\\10\\0\\367\\377\\0\\0\\0\\0', (to, 0))\n"
		    " except PermissionError: pass\n"
		    "for i in 1, 2:\n"
		    " try: socket.create_connection(('127.0.0.1', 25))\n"
		    " except ConnectionRefusedError: pass\n\""), 0);
		assert_true(apply_counts(&guard, &no, error, sizeof(error)));
		assert_int_equal(guard, 3);
		assert_int_equal(no, 2);
		remove_all(true);
	}
	ruleset_free(&tables);
	ruleset_free(&nft);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(in_and_out, set_up),
		cmocka_unit_test_setup(replaced, set_up),
		cmocka_unit_test_setup(tampered, set_up),
		cmocka_unit_test_setup(failure, set_up),
		cmocka_unit_test_setup(hidden, set_up),
		cmocka_unit_test_setup(refused, set_up),
		cmocka_unit_test_setup(contention, set_up),
		cmocka_unit_test_setup(no_gap, set_up),
		cmocka_unit_test_setup(routes_stay, set_up),
		cmocka_unit_test_setup(as_user, set_up),
		cmocka_unit_test_setup(thousand_networks, set_up),
		cmocka_unit_test_setup(before_ours, set_up),
		cmocka_unit_test_setup(counts, set_up),
	};

	if (geteuid() != 0) {
		puts("1..0 # skip: needs root");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
