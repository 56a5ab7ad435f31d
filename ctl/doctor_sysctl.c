/* doctor_sysctl.c - the kernel's settings that rules depend on: forwarding, rp_filter, conntrack
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "ctl/doctor.h"

#define CONNTRACK_FULL_PERCENT 80	/* new connections are dropped at 100 */

/* The larger of a setting of "all" and the clients' interface (Documentation/networking/
 * ip-sysctl: both rp_filter's maximum and the "or" of the others). False when there is none. */
static bool
setting(const struct doctor *d, const char *name, long *out)
{
	const char *interface = d->config->intercept.interface;
	char path[160];
	long own = 0;
	bool found;

	*out = 0;
	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/all/%s", name);
	found = doctor_number(d, path, out);
	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%.64s/%s",
	    interface != NULL ? interface : "all", name);
	if (doctor_number(d, path, &own)) {
		found = true;
		*out = own > *out ? own : *out;
	}
	return found;
}

static void
check_forwarding(struct doctor *d, const char *key, const char *path)
{
	bool gate = d->plan.gate;
	long on = 0;

	if (!doctor_number(d, path, &on)) {
		doctor_say(d, DOCTOR_UNKNOWN, "forwarding", "%s cannot be read", key);
		doctor_remedy(d, "is /proc/sys mounted?");
	} else if (on != 0) {
		doctor_say(d, DOCTOR_OK, "forwarding", "%s = %ld", key, on);
	} else {
		doctor_say(d, gate ? DOCTOR_FAULT : DOCTOR_WARNING, "forwarding", "%s = 0: %s",
		    key, gate ? "mail that the gate lets go direct goes nowhere" :
		    "this host is no gateway to its clients");
		doctor_remedy(d, "sysctl -w %s=1, and the same in /etc/sysctl.d", key);
	}
}

void
doctor_forwarding(struct doctor *d)
{
	if (doctor_local_only(d->config)) {
		doctor_say(d, DOCTOR_OK, "forwarding", "not needed: only this host is served");
		return;
	}
	if (!d->planned || d->plan.v4)
		check_forwarding(d, "net.ipv4.ip_forward", "/proc/sys/net/ipv4/ip_forward");
	if (!d->planned || d->plan.v6)
		check_forwarding(d, "net.ipv6.conf.all.forwarding",
		    "/proc/sys/net/ipv6/conf/all/forwarding");
}

/* Measured: TPROXY works with each value, with and without src_valid_mark, since the way back is
 * looked up past our mark's rule (nfq/mark.h). Strict goes wrong with asymmetric routes alone. */
void
doctor_rp_filter(struct doctor *d)
{
	long strict = 0;

	if (d->config->intercept.method != METHOD_TPROXY || (d->planned && !d->plan.v4))
		return;
	if (!setting(d, "rp_filter", &strict)) {
		doctor_say(d, DOCTOR_UNKNOWN, "rp_filter", "net.ipv4.conf.all.rp_filter cannot be "
		    "read");
		doctor_remedy(d, "is /proc/sys mounted?");
	} else if (strict == 1) {
		doctor_say(d, DOCTOR_NOTE, "rp_filter", "strict (1): packets of clients or MX "
		    "hosts whose way back leads out elsewhere are dropped");
		doctor_remedy(d, "with several uplinks: sysctl -w net.ipv4.conf.all.rp_filter=2 "
		    "(loose), or 0 there and on the interfaces");
	} else {
		doctor_say(d, DOCTOR_OK, "rp_filter", "net.ipv4.conf.*.rp_filter = %ld", strict);
	}
}

void
doctor_route_localnet(struct doctor *d)
{
	long on = 0;

	if (!setting(d, "route_localnet", &on)) {
		doctor_say(d, DOCTOR_UNKNOWN, "route_localnet", "net.ipv4.conf.all.route_localnet "
		    "cannot be read");
		doctor_remedy(d, "is /proc/sys mounted?");
	} else if (on != 0) {
		doctor_say(d, DOCTOR_WARNING, "route_localnet", "= 1: clients can reach what "
		    "listens on 127.0.0.1 alone; postern does not need it");
		doctor_remedy(d, "sysctl -w net.ipv4.conf.all.route_localnet=0, and on the "
		    "interface");
	} else {
		doctor_say(d, DOCTOR_OK, "route_localnet", "= 0");
	}
}

void
doctor_conntrack(struct doctor *d)
{
	long used = 0, max = 0;

	if (!doctor_number(d, "/proc/sys/net/netfilter/nf_conntrack_count", &used) ||
	    !doctor_number(d, "/proc/sys/net/netfilter/nf_conntrack_max", &max) || max <= 0) {
		doctor_say(d, DOCTOR_NOTE, "conntrack", "the kernel tracks no connections yet; "
		    "installing the rules begins it");
		return;
	}
	/* A session has two: the client's and ours. */
	if (used > max / 100 * CONNTRACK_FULL_PERCENT) {
		doctor_say(d, DOCTOR_WARNING, "conntrack", "%ld of %ld entries are used; when it "
		    "is full, new connections are dropped", used, max);
		doctor_remedy(d, "sysctl -w net.netfilter.nf_conntrack_max=%ld", max * 2);
	} else if (max < 2 * (long)d->config->limits.sessions) {
		doctor_say(d, DOCTOR_WARNING, "conntrack", "%ld entries are too few for "
		    "limits.sessions: %u", max, d->config->limits.sessions);
		doctor_remedy(d, "sysctl -w net.netfilter.nf_conntrack_max=%ld",
		    4 * (long)d->config->limits.sessions);
	} else {
		doctor_say(d, DOCTOR_OK, "conntrack", "%ld of %ld entries are used", used, max);
	}
}
