/* origin_test.c - where clients meant to go and from where we dial, with the kernel's own redirection
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Three network namespaces: client, gateway (where postern is), mx; one thread that goes from one to
 * the next. Making them takes root and iptables; without, the tests are skipped. */
#include "proxy/origin.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/mark.h"
#include "daemon/sandbox.h"
#include "proxy/dial.h"
#include "proxy/door.h"
#include "tests/unit/testring.h"

#define PORT 10025
#define PATIENCE_MS 3000

enum { CLIENT, GATEWAY, MX, SPACES };

static const struct family {
	const char *client, *gateway, *mx, *tables;
	const char *route;
} families[] = {
	{ "192.0.2.50", "192.0.2.1", "198.51.100.9", "iptables -w 10 ",
	    "ip route add local default dev lo table 2525; ip rule add pref 2520 fwmark "
	    "0x26000000/0xff000000 lookup 2525" },
	{ "2001:db8:1::50", "2001:db8:1::1", "2001:db8:2::9", "ip6tables -w 10 ",
	    "ip -6 route add local default dev lo table 2525; ip -6 rule add pref 2520 fwmark "
	    "0x26000000/0xff000000 lookup 2525" },
};

static int spaces[SPACES], listener = -1, mx = -1;

static void
enter(int space)
{
	assert_int_equal(setns(spaces[space], CLONE_NEWNET), 0);
}

__attribute__((format(printf, 2, 3))) static void
sh(int space, const char *format, ...)
{
	char command[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(command, sizeof(command), format, arguments);
	va_end(arguments);
	enter(space);
	if (system(command) != 0)
		fail_msg("failed: %s", command);
}

static struct address
at(const char *ip, uint16_t port)
{
	struct address a = { .port = port };

	assert_true(address_parse_ip(&a.ip, ip, strlen(ip)));
	return a;
}

static int
listens(int space, uint16_t port)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int fd, one = 1;

	enter(space);
	fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(setsockopt(fd, IPPROTO_IP, IP_TRANSPARENT, &one, sizeof(one)), 0);
	assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_TRANSPARENT, &one, sizeof(one)), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&any, sizeof(any)), 0);
	assert_int_equal(listen(fd, 8), 0);
	return fd;
}

static bool
ready(int fd, short what)
{
	struct pollfd p = { .fd = fd, .events = what };

	return poll(&p, 1, PATIENCE_MS) == 1;
}

/* A connection of a program in this namespace, under way. */
static int
connects(int space, const char *ip, uint16_t port)
{
	struct address a = at(ip, port);
	struct sockaddr_storage to;
	socklen_t len = address_to_sockaddr(&a, &to);
	int fd;

	enter(space);
	fd = socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (connect(fd, (struct sockaddr *)&to, len) != 0)
		assert_int_equal(errno, EINPROGRESS);
	return fd;
}

static int
accepts(int fd, struct address *peer)
{
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	int in;

	assert_true(ready(fd, POLLIN));
	in = accept4(fd, (struct sockaddr *)&from, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
	assert_true(in >= 0 && address_from_sockaddr(peer, (struct sockaddr *)&from));
	return in;
}

static void
assert_is(const struct address *a, const char *ip, uint16_t port)
{
	char text[ADDRESS_TEXT_SIZE];

	assert_string_equal(address_print_ip(&a->ip, text), ip);
	assert_int_equal(a->port, port);
}

/* What origin_find says when this is dialled from there; the origin must be what was dialled. */
static enum origin_result
found(int space, const char *ip, uint16_t port)
{
	struct address peer, origin = { 0 };
	int out = connects(space, ip, port), in = accepts(listener, &peer);
	enum origin_result r = origin_find(in, PORT, SMTP_PORT, &origin);

	if (r == ORIGIN_OK || r == ORIGIN_PORT || r == ORIGIN_LOCAL)
		assert_is(&origin, ip, port);
	close(out);
	close(in);
	return r;
}

static void
redirected(void **state)
{
	if (*state == NULL)
		skip();
	for (size_t i = 0; i < 2; i++) {
		const struct family *f = &families[i];

		sh(GATEWAY, "%s -t nat -A PREROUTING -p tcp --dport 25:26 -j REDIRECT --to-ports %d",
		    f->tables, PORT);
		assert_int_equal(found(CLIENT, f->mx, 25), ORIGIN_OK);
		assert_int_equal(found(CLIENT, f->mx, 26), ORIGIN_PORT);
		assert_int_equal(found(CLIENT, f->gateway, PORT), ORIGIN_DIRECT);
		assert_int_equal(found(GATEWAY, f->gateway, PORT), ORIGIN_DIRECT);
		sh(GATEWAY, "%s -t nat -F", f->tables);
	}
}

static void
by_tproxy(void **state)
{
	if (*state == NULL)
		skip();
	for (size_t i = 0; i < 2; i++) {
		const struct family *f = &families[i];

		sh(GATEWAY, "%s -t mangle -A PREROUTING -p tcp --dport 25:26 -m addrtype ! --dst-type "
		    "LOCAL -j TPROXY --on-port %d --tproxy-mark 0x26000000/0xff000000", f->tables,
		    PORT);
		assert_int_equal(found(CLIENT, f->mx, 25), ORIGIN_OK);
		assert_int_equal(found(CLIENT, f->mx, 26), ORIGIN_PORT);
		assert_int_equal(found(CLIENT, f->gateway, PORT), ORIGIN_DIRECT);
		sh(GATEWAY, "%s -t mangle -F", f->tables);
	}
}

/* A proxy with just what the door needs. */
struct stage {
	struct config config;
	struct proxy proxy;
	struct testring ring;
	unsigned records;
	char detail[128];
};

static void
record(void *arg, const void *p, size_t len)
{
	struct stage *s = arg;
	struct event e;
	const void *body;
	size_t body_len;

	assert_true(message_get_record(p, len, &body, &body_len) &&
	    event_decode(body, body_len, &e));
	snprintf(s->detail, sizeof(s->detail), "%s", e.detail);
	s->records++;
}

static bool
ask(void *arg, const void *p, size_t len)
{
	(void)arg;
	(void)p;
	(void)len;
	fail();				/* nobody gets so far */
	return false;
}

static void
left(void *arg)
{
	(void)arg;
}

static bool
unwanted(void *arg, const struct in6_addr *client)
{
	(void)arg;
	(void)client;
	return false;
}

static void
open_stage(struct stage *s, bool local)
{
	struct counters *counters = counters_new();

	memset(s, 0, sizeof(*s));
	s->config.intercept.listen.port = PORT;
	s->config.intercept.local = local;
	s->config.limits.sessions = s->config.limits.sessions_per_client = 100;
	s->config.policy.wait_s = 5;
	s->proxy = (struct proxy){ .loop = ev_loop_new(EVFLAG_AUTO), .config = &s->config,
		.counters = counters, .column = counters_claim(counters), .left = left,
		.tls_unwanted = unwanted, .arg = s };
	counters_settle(counters, s->proxy.column);
	s->ring = (struct testring){ .message = record, .arg = s };
	s->proxy.asker = asker_new(ask, s);
	s->proxy.records = queue_new(testring_send, &s->ring);
}

static void
close_stage(struct stage *s)
{
	session_shutdown(&s->proxy);
	for (int i = 0; i < 100 && s->proxy.sessions != NULL; i++) {
		ev_run(s->proxy.loop, EVRUN_NOWAIT);
		session_reap(&s->proxy);
		poll(NULL, 0, 10);
	}
	session_reap(&s->proxy);
	assert_null(s->proxy.sessions);
	queue_free(s->proxy.records);
	testring_close(&s->ring);
	asker_free(s->proxy.asker);
	ev_loop_destroy(s->proxy.loop);
	/* The counters stay mapped: they are the daemon's for good. */
}

static uint16_t
port_of(int fd)
{
	struct sockaddr_storage name;
	socklen_t len = sizeof(name);
	struct address a;

	assert_int_equal(getsockname(fd, (struct sockaddr *)&name, &len), 0);
	assert_true(address_from_sockaddr(&a, (struct sockaddr *)&name));
	return a.port;
}

/* The next line that the program hears, while the proxy's loop runs. */
static const char *
hears(struct stage *s, int fd)
{
	static char line[512];
	ssize_t n = -1;

	for (int i = 0; i < PATIENCE_MS / 10 && n < 0; i++) {
		ev_run(s->proxy.loop, EVRUN_NOWAIT);
		session_reap(&s->proxy);
		n = recv(fd, line, sizeof(line) - 1, MSG_DONTWAIT);
		if (n < 0)
			poll(NULL, 0, 10);
	}
	line[n < 0 ? 0 : n] = '\0';
	return line;
}

/* One connection of a program on the gateway, let in or not. */
static int
enters(struct stage *s, const struct family *f, void (*before)(struct stage *s, uint16_t port))
{
	int out = connects(GATEWAY, f->mx, 25);
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);

	if (before != NULL)
		before(s, port_of(out));
	assert_true(ready(listener, POLLIN));
	int in = accept4(listener, (struct sockaddr *)&from, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
	assert_true(door_enter(&s->proxy, in, (struct sockaddr *)&from));
	return out;
}

static void
is_ours(struct stage *s, uint16_t port)
{
	counters_dialling(s->proxy.counters, port, true);
}

static void
was_ours(struct stage *s, uint16_t port)
{
	counters_dialling(s->proxy.counters, port, true);
	counters_dialling(s->proxy.counters, port, false);
}

/* Our own dials are exempt by their mark: the rule is what RULES would have. */
static void
redirect_own(const struct family *f)
{
	sh(GATEWAY, "%s -t nat -A OUTPUT -p tcp --dport 25 -m mark ! --mark %#x/0xff000000 "
	    "-j REDIRECT --to-ports %d", f->tables, MARK_OWN, PORT);
}

static void
local_mail(void **state)
{
	struct stage s;
	struct address peer;

	if (*state == NULL)
		skip();
	for (size_t i = 0; i < 2; i++) {
		const struct family *f = &families[i];

		redirect_own(f);
		assert_int_equal(found(GATEWAY, f->mx, 25), ORIGIN_LOCAL);
		/* local: no: it can only be a loop. */
		open_stage(&s, false);
		int out = enters(&s, f, NULL);
		assert_non_null(strstr(hears(&s, out), "a loop"));
		close(out);
		assert_int_equal(s.records, 1);
		close_stage(&s);
		/* local: yes: served, whatever `from` says (here nobody). */
		open_stage(&s, true);
		out = enters(&s, f, was_ours);
		int at_mx = accepts(mx, &peer);
		assert_true(counters_dialled(s.proxy.counters, peer.port));
		assert_int_equal(send(at_mx, "220 mx.example\r\n", 16, 0), 16);
		assert_memory_equal(hears(&s, out), "220 ", 4);
		close(out);
		close(at_mx);
		close_stage(&s);
		assert_false(counters_dialled(s.proxy.counters, peer.port));
		/* ... but our own dial come back is not. */
		open_stage(&s, true);
		out = enters(&s, f, is_ours);
		assert_memory_equal(hears(&s, out), "421 4.7.0 ", 10);
		assert_non_null(strstr(s.detail, "a loop"));
		assert_int_equal(counters_get(s.proxy.counters, s.proxy.column,
		    COUNTER_REJECTED_CLIENT), 1);
		close(out);
		close_stage(&s);
		sh(GATEWAY, "%s -t nat -F", f->tables);
	}
}

/* The dial that was slower than its own connection: seen when ours is through. */
static void
late_loop(void **state)
{
	struct stage s;
	struct address peer;

	if (*state == NULL)
		skip();
	redirect_own(&families[0]);
	open_stage(&s, true);
	int out = enters(&s, &families[0], NULL);
	counters_dialling(s.proxy.counters, port_of(out), true);
	int at_mx = accepts(mx, &peer);
	assert_memory_equal(hears(&s, out), "421 4.7.0 ", 10);
	assert_non_null(strstr(s.detail, "a loop"));
	close(out);
	close(at_mx);
	close_stage(&s);
	sh(GATEWAY, "%s -t nat -F", families[0].tables);
}

/* As RULES has it: our dial's connection is marked, and its replies are brought here. */
static void
back(const struct family *f, char how)
{
	sh(GATEWAY, "%s -t mangle -%c OUTPUT -p tcp --dport 25 -m mark --mark %#x/0xff000000 "
	    "-j CONNMARK --save-mark --nfmask 0xff000000 --ctmask 0xff000000", f->tables, how,
	    MARK_OWN);
	sh(GATEWAY, "%s -t mangle -%c PREROUTING -p tcp --sport 25 -m connmark --mark "
	    "%#x/0xff000000 -m conntrack --ctdir REPLY -j MARK --set-xmark "
	    "0x26000000/0xff000000", f->tables, how, MARK_OWN);
}

/* In a process as a worker is: an ordinary user with at most CAP_NET_RAW, behind the sandbox. What
 * dial_connect says goes to the parent, and the connection is used once. */
static int
worker(const struct family *f, const struct address *client, bool able, int tell)
{
	const struct address to = at(f->mx, 25);
	struct config config = { .intercept = { .source_client = true } };
	char why[160], c = 0;
	struct dial d;

	enter(GATEWAY);
	prctl(PR_SET_KEEPCAPS, 1);
	if (setgroups(0, NULL) != 0 || setresgid(65534, 65534, 65534) != 0 ||
	    setresuid(65534, 65534, 65534) != 0)
		return 2;
	capng_clear(CAPNG_SELECT_BOTH);
	if (able)
		capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_NET_RAW);
	if (capng_apply(CAPNG_SELECT_CAPS) != 0 || !sandbox_worker(true, why, sizeof(why)))
		return 3;
	dial_plan(&d, &config, NULL, &client->ip);
	int fd = socket(address_is_v4(&to.ip) ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0);
	const char *fault = dial_connect(&d, fd, &to);
	if (fault == NULL) {
		fault = "silence";
		if (ready(fd, POLLOUT) && send(fd, "EHLO", 4, MSG_NOSIGNAL) == 4 &&
		    ready(fd, POLLIN) && recv(fd, &c, 1, 0) == 1 && c == '2')
			fault = "";
	}
	return write(tell, fault, strlen(fault)) < 0;
}

static pid_t
start_worker(const struct family *f, const char *client, bool able, int *tells)
{
	struct address from = at(client, 4711);
	int ends[2];
	pid_t pid;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	if ((pid = fork()) == 0)
		_exit(worker(f, &from, able, ends[1]));
	close(ends[1]);
	*tells = ends[0];
	return pid;
}

static void
assert_told(pid_t pid, int tells, const char *glob)
{
	char said[256] = "";
	int status;

	assert_true(read(tells, said, sizeof(said) - 1) >= 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	if (glob[0] == '\0' ? said[0] != '\0' : strstr(said, glob) == NULL)
		fail_msg("the worker says \"%s\", not \"%s\"", said, glob);
	close(tells);
}

/* intercept.source: client */
static void
keeps_the_clients_address(void **state)
{
	struct address peer;
	int tells;
	pid_t pid;

	if (*state == NULL)
		skip();
	for (size_t i = 0; i < 2; i++) {
		const struct family *f = &families[i];

		back(f, 'A');
		pid = start_worker(f, f->client, true, &tells);
		int at_mx = accepts(mx, &peer);
		assert_is(&peer, f->client, peer.port);
		assert_int_not_equal(peer.port, 4711);	/* that one is the client's own */
		assert_int_equal(send(at_mx, "220", 3, 0), 3);
		assert_told(pid, tells, "");
		close(at_mx);
		/* Without the capability it is a failure with its name, no silent other address. */
		pid = start_worker(f, f->client, false, &tells);
		assert_told(pid, tells, "could not be marked");
		/* The other family's address cannot be taken. */
		pid = start_worker(f, families[1 - i].client, true, &tells);
		assert_told(pid, tells, "could not be taken");
		back(f, 'D');
	}
}

static void
plans(void **state)
{
	struct config c = { .workers = 1 };
	struct address client = at("192.0.2.50", 0);
	struct counters *counters = counters_new();
	struct dial d;

	(void)state;
	dial_plan(&d, &c, counters, &client.ip);
	assert_true(!d.mark && !d.as_client && d.counters == NULL);
	c.intercept.local = true;
	dial_plan(&d, &c, counters, &client.ip);
	assert_true(d.mark && !d.as_client && d.counters == counters);
	c.intercept.source_client = true;
	dial_plan(&d, &c, counters, &client.ip);
	assert_true(d.mark && d.as_client);
	assert_memory_equal(&d.client, &client.ip, 16);
	/* A program on this host, or nobody: the prober. */
	dial_plan(&d, &c, counters, NULL);
	assert_true(d.mark && !d.as_client);
}

static int
build(void **state)
{
	static char can;
	char netns[64];

	if (geteuid() != 0 || system("iptables --version >/dev/null 2>&1") != 0)
		return 0;
	*state = &can;
	for (int i = 0; i < SPACES; i++) {
		if (unshare(CLONE_NEWNET) != 0)
			return -1;
		spaces[i] = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
		sh(i, "ip link set lo up; sysctl -qw net.ipv4.ip_forward=1 "
		    "net.ipv6.conf.all.forwarding=1 net.ipv6.conf.default.accept_dad=0");
	}
	snprintf(netns, sizeof(netns), "/proc/%d/fd/%d", (int)getpid(), spaces[GATEWAY]);
	sh(CLIENT, "ip link add c0 type veth peer name c1 netns %s", netns);
	sh(MX, "ip link add m0 type veth peer name m1 netns %s", netns);
	sh(CLIENT, "ip addr add 192.0.2.50/24 dev c0; ip -6 addr add 2001:db8:1::50/64 dev c0 nodad; "
	    "ip link set c0 up; ip route add default via 192.0.2.1");
	sh(MX, "ip addr add 198.51.100.9/24 dev m0; ip -6 addr add 2001:db8:2::9/64 dev m0 nodad; "
	    "ip link set m0 up; ip route add default via 198.51.100.1");
	sh(GATEWAY, "ip addr add 192.0.2.1/24 dev c1; ip -6 addr add 2001:db8:1::1/64 dev c1 nodad; "
	    "ip addr add 198.51.100.1/24 dev m1; ip -6 addr add 2001:db8:2::1/64 dev m1 nodad; "
	    "ip link set c1 up; ip link set m1 up");
	sh(CLIENT, "ip -6 route add default via 2001:db8:1::1");
	sh(MX, "ip -6 route add default via 2001:db8:2::1");
	sh(GATEWAY, "%s; %s", families[0].route, families[1].route);
	listener = listens(GATEWAY, PORT);
	mx = listens(MX, 25);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plans), cmocka_unit_test(redirected), cmocka_unit_test(by_tproxy),
		cmocka_unit_test(local_mail), cmocka_unit_test(late_loop),
		cmocka_unit_test(keeps_the_clients_address),
	};

	return cmocka_run_group_tests(tests, build, NULL);
}
