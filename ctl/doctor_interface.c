/* doctor_interface.c - where the clients come in: the interface, their networks, our listener
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "ctl/doctor.h"

#define SOCKETS_MAX (4u << 20)	/* of /proc/net/tcp, which has those that listen first */

static const char *
interface_of(const struct doctor *d)
{
	return d->config->intercept.interface;
}

/* An interface as `ip` shows it: /sys/class/net may be that of another network namespace. */
struct link {
	bool there, up, carrier, bridge;
	char master[64];	/* of a bridge's port: the bridge; else "" */
};

static void
read_link(struct token text, struct link *out)
{
	struct token word, master = { "", 0 };
	bool port = false;

	while (token_next(&text, &word)) {
		if (word.len > 2 && word.p[0] == '<' && !out->there) {
			struct token flags = { word.p + 1, word.len - 2 };

			out->there = true;
			out->up = token_has(flags, "UP");
			out->carrier = !token_has(flags, "NO-CARRIER");
		} else if (token_is(word, "master")) {
			token_next(&text, &master);
		} else if (token_is(word, "bridge_slave")) {
			port = true;
		} else if (token_is(word, "bridge")) {
			out->bridge = true;
		}
	}
	if (port)
		snprintf(out->master, sizeof(out->master), "%.*s", (int)master.len, master.p);
}

static struct link
link_of(const struct doctor *d)
{
	const char *const argv[] = { "ip", "-o", "-d", "link", "show", "dev", interface_of(d),
		NULL };
	struct program_result r = { .status = 0 };
	struct link l = { .there = false };

	if (d->host->run(argv, NULL, &r))
		read_link((struct token){ r.out, strlen(r.out) }, &l);
	program_free(&r);
	return l;
}

/* "lan+" is every interface whose name begins so, as iptables has it. */
static bool
is_pattern(const char *name)
{
	return name != NULL && name[0] != '\0' && name[strlen(name) - 1] == '+';
}

static bool
is_interface(const struct doctor *d, const char *device)
{
	const char *name = interface_of(d);

	return is_pattern(name) ? strncmp(device, name, strlen(name) - 1) == 0 :
	    strcmp(device, name) == 0;
}

enum presence { MISSING, PRESENT, UNTOLD };

/* In the list of all, "4: lan0@if3: <...", since where `ip` fails nothing is said of the name. */
static enum presence
presence_of(const struct doctor *d)
{
	static const char *const argv[] = { "ip", "-o", "link", "show", NULL };
	struct program_result r = { .status = 0 };
	enum presence found = UNTOLD;
	struct token line, word;
	const char *at;
	char name[64];

	if (!is_pattern(interface_of(d)) && link_of(d).there)
		return PRESENT;
	if (d->host->run(argv, NULL, &r)) {
		found = MISSING;
		for (at = r.out; *at != '\0'; at += line.len + (at[line.len] == '\n')) {
			struct token rest = line = (struct token){ at, strcspn(at, "\n") };

			token_next(&rest, &word);
			if (!token_next(&rest, &word))
				continue;
			snprintf(name, sizeof(name), "%.*s", (int)word.len, word.p);
			name[strcspn(name, "@:")] = '\0';
			if (is_interface(d, name))
				found = PRESENT;
		}
	}
	program_free(&r);
	return found;
}

bool
doctor_interface_missing(const struct doctor *d)
{
	return interface_of(d) != NULL && presence_of(d) == MISSING;
}

void
doctor_interface(struct doctor *d)
{
	const char *name = interface_of(d);
	enum presence found;
	struct link l;

	if (name == NULL)
		return;
	found = presence_of(d);
	l = link_of(d);
	if (found == UNTOLD) {
		doctor_say(d, DOCTOR_UNKNOWN, "interface", "`ip link` does not tell of %s", name);
		doctor_remedy(d, "apt install iproute2; run `ip link` and see why it fails");
	} else if (found == MISSING) {
		doctor_say(d, DOCTOR_FAULT, "interface", "there is no interface %s: the rules "
		    "catch nobody", name);
		doctor_remedy(d, "intercept.interface; `ip link` names those that are there");
	} else if (is_pattern(name)) {
		doctor_say(d, DOCTOR_OK, "interface", "%s is there", name);
	} else if (!l.up || !l.carrier) {
		doctor_say(d, DOCTOR_FAULT, "interface", "%s is %s", name,
		    !l.up ? "not up" : "up, but has no link");
		doctor_remedy(d, "ip link set %s up; see its cable or what it hangs on", name);
	} else {
		doctor_say(d, DOCTOR_OK, "interface", "%s is up", name);
	}
}

/* An address within, not the network's own; ours, perhaps, when `next` is not moved on. */
static void
address_within(const struct network *n, unsigned next, char text[ADDRESS_TEXT_SIZE])
{
	struct in6_addr ip = n->ip;

	if (n->prefix <= 125)
		ip.s6_addr[15] = (unsigned char)(ip.s6_addr[15] | next);
	address_print_ip(&ip, text);
}

/* 1: ip's answer names the device; 0: it names another; -1: the address is this host's. */
static int
routed_to(const struct doctor *d, const struct network *n, unsigned next, char device[64])
{
	bool v4 = address_is_v4(&n->ip);
	char ip[ADDRESS_TEXT_SIZE];
	const char *const argv[] = { "ip", v4 ? "-4" : "-6", "-o", "route", "get", ip, NULL };
	struct program_result r = { .status = 0 };
	struct token rest, word;
	bool local = false, after = false;

	device[0] = '\0';
	address_within(n, next, ip);
	if (d->host->run(argv, NULL, &r)) {
		rest = (struct token){ r.out, strlen(r.out) };
		while (device[0] == '\0' && token_next(&rest, &word)) {
			local = local || token_is(word, "local");
			if (after)
				snprintf(device, 64, "%.*s", word.len < 63 ? (int)word.len : 63,
				    word.p);
			after = token_is(word, "dev");
		}
	}
	program_free(&r);
	return local ? -1 : is_interface(d, device);
}

/* A part of the network is routed there: `from: 10.0.0.0/8` may stand for many small ones. */
static bool
part_routed_to(const struct doctor *d, const struct network *n)
{
	char text[ADDRESS_TEXT_SIZE];
	const char *const argv[] = { "ip", address_is_v4(&n->ip) ? "-4" : "-6", "route", "show",
		"root", network_print(n, text), "dev", interface_of(d), NULL };
	struct program_result r = { .status = 0 };
	bool found = !is_pattern(interface_of(d)) && d->host->run(argv, NULL, &r) &&
	    r.out[0] != '\0';

	program_free(&r);
	return found;
}

void
doctor_clients(struct doctor *d)
{
	const struct network *n = d->config->intercept.from;
	char text[ADDRESS_TEXT_SIZE], device[64];
	size_t i, wrong = 0;

	if (interface_of(d) == NULL) {
		doctor_say(d, DOCTOR_NOTE, "clients", "no intercept.interface: clients are told "
		    "by `from` alone");
		return;
	}
	for (i = 0; i < d->config->intercept.from_len; i++, n++) {
		int found;

		if (address_is_loopback(&n->ip) || part_routed_to(d, n))
			continue;
		found = routed_to(d, n, 1, device);
		if (found < 0)
			found = routed_to(d, n, 2, device);	/* the first one is often ours */
		if (found != 0)
			continue;
		wrong++;
		doctor_say(d, DOCTOR_WARNING, "clients", "%s of intercept.from is routed to %s, "
		    "not to %s", network_print(n, text), device[0] != '\0' ? device : "nowhere",
		    interface_of(d));
		doctor_remedy(d, "intercept.interface, intercept.from, or the routes: mail of "
		    "clients that come in elsewhere passes unseen or is refused");
	}
	if (wrong == 0)
		doctor_say(d, DOCTOR_OK, "clients", "every network of intercept.from is routed to "
		    "%s", interface_of(d));
}

/* Lines of /proc/net/tcp and tcp6: "0: ADDRESS:PORT REMOTE STATE ...". */
static bool
listens(const struct doctor *d, const char *path, uint16_t port)
{
	struct token line, rest, number, local, remote, state;
	char *text = malloc(SOCKETS_MAX), want[8];
	const char *at = text;
	bool found = false;

	snprintf(want, sizeof(want), ":%04X", port);
	if (text == NULL || !doctor_read(d, path, text, SOCKETS_MAX))
		at = "";
	for (; *at != '\0' && !found; at += line.len + (at[line.len] == '\n')) {
		line = (struct token){ at, strcspn(at, "\n") };
		rest = line;
		found = token_next(&rest, &number) && token_next(&rest, &local) &&
		    token_next(&rest, &remote) && token_next(&rest, &state) &&
		    token_is(state, "0A") && local.len > 5 &&
		    memcmp(local.p + local.len - 5, want, 5) == 0;
	}
	free(text);
	return found;
}

void
doctor_listener(struct doctor *d)
{
	const struct address *listen = &d->config->intercept.listen;
	char text[ADDRESS_TEXT_SIZE];
	bool any = IN6_IS_ADDR_UNSPECIFIED(&listen->ip);

	address_print(listen, text);
	if (!any && address_is_loopback(&listen->ip) && !doctor_local_only(d->config)) {
		doctor_say(d, DOCTOR_FAULT, "listener", "%s: clients cannot be brought to a "
		    "loopback address", text);
		doctor_remedy(d, "intercept.listen: \"[::]:%u\"", listen->port);
	} else if (!any && d->planned && d->plan.v4 && d->plan.v6) {
		doctor_say(d, DOCTOR_FAULT, "listener", "%s is of one family, both are served",
		    text);
		doctor_remedy(d, "intercept.listen: \"[::]:%u\"", listen->port);
	} else if (!d->daemon_down && !listens(d, "/proc/net/tcp6", listen->port) &&
	    !listens(d, "/proc/net/tcp", listen->port)) {
		doctor_say(d, DOCTOR_FAULT, "listener", "nobody listens on port %u", listen->port);
		doctor_remedy(d, "posternctl status; intercept.listen may have changed: "
		    "systemctl restart posternd");
	} else {
		doctor_say(d, DOCTOR_OK, "listener", "%s%s", text,
		    d->daemon_down ? ", once posternd runs" : "");
	}
}

/* Packets that are bridged and not routed meet iptables only when br_netfilter hands them over. */
static void
check_bridged(struct doctor *d, const char *name)
{
	long v4 = 0, v6 = 0;

	doctor_number(d, "/proc/sys/net/bridge/bridge-nf-call-iptables", &v4);
	doctor_number(d, "/proc/sys/net/bridge/bridge-nf-call-ip6tables", &v6);
	if (v4 != 0 && v6 != 0) {
		doctor_say(d, DOCTOR_NOTE, "bridge", "%s is a bridge, and bridged packets meet "
		    "the rules too (net.bridge.bridge-nf-call-iptables = 1)", name);
	} else if (v4 != v6) {
		doctor_say(d, DOCTOR_WARNING, "bridge", "%s is a bridge, and bridged packets of "
		    "IPv%c alone meet the rules", name, v4 != 0 ? '4' : '6');
		doctor_remedy(d, "sysctl net.bridge.bridge-nf-call-iptables=1 "
		    "net.bridge.bridge-nf-call-ip6tables=1, or both 0");
	} else {
		doctor_say(d, DOCTOR_NOTE, "bridge", "%s is a bridge: what is routed here comes "
		    "to postern, what is only bridged from port to port does not", name);
		doctor_remedy(d, "where mail is only bridged: modprobe br_netfilter; sysctl "
		    "net.bridge.bridge-nf-call-iptables=1 net.bridge.bridge-nf-call-ip6tables=1");
	}
}

void
doctor_bridge(struct doctor *d)
{
	const char *name = interface_of(d);
	struct link l;

	if (name == NULL || is_pattern(name))
		return;
	l = link_of(d);
	if (l.master[0] != '\0') {
		doctor_say(d, DOCTOR_FAULT, "bridge", "%s is a port of %s: to the rules, packets "
		    "come in by the bridge", name, l.master);
		doctor_remedy(d, "intercept.interface: %s", l.master);
	} else if (l.bridge) {
		check_bridged(d, name);
	} else if (l.there) {
		doctor_say(d, DOCTOR_OK, "bridge", "%s is no part of a bridge", name);
	}
}
