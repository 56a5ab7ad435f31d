/* plan.c - what the firewall is to do, made of the configuration and what the host is like
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "nfq/plan.h"

#include <ctype.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

/* The name goes into commands and rules: nothing but what interfaces are called. */
static bool
interface_ok(const char *name)
{
	size_t i, len = strlen(name);

	if (len == 0 || len >= IFNAMSIZ || name[0] == '-' || strcmp(name, "+") == 0)
		return false;
	for (i = 0; i < len; i++)
		if (!isalnum((unsigned char)name[i]) && strchr("._@:+-", name[i]) == NULL)
			return false;
	return true;
}

bool
plan_serves(const struct plan *p, bool v4)
{
	size_t i;

	if (p->local)
		return true;
	for (i = 0; i < p->from_len && address_is_v4(&p->from[i].ip) != v4; i++)
		;
	return i < p->from_len;
}

/* Clients of a family that nobody thought of would go past postern: that one is refused. */
static bool
families(struct plan *p, const struct plan_host *host, char *error, size_t error_size)
{
	const bool local = p->local;
	bool served[2];

	p->v4 = !host->family_off(false);
	p->v6 = !host->family_off(true);
	p->local = false;
	served[0] = plan_serves(p, true);
	served[1] = plan_serves(p, false);
	p->local = local;
	if ((p->v4 && !served[0]) || (p->v6 && !served[1])) {
		snprintf(error, error_size, "intercept.from has no %s network, and %s is on here: "
		    "mail would pass unseen; name the clients' network, or switch the family off%s",
		    p->v4 && !served[0] ? "IPv4" : "IPv6", p->v4 && !served[0] ? "IPv4" : "IPv6",
		    p->v4 && !served[0] ? "" : " (sysctl net.ipv6.conf.all.disable_ipv6=1)");
		return false;
	}
	if (!p->v4 && !p->v6) {
		snprintf(error, error_size, "this host has neither IPv4 nor IPv6");
		return false;
	}
	return true;
}

bool
plan_make(const struct config *config, const struct plan_host *host, struct plan *out,
    char *error, size_t error_size)
{
	const bool open = config->intercept.open, required = config->intercept.required;

	*out = (struct plan){
		.method = config->intercept.method, .backend = config->intercept.backend,
		.port = config->intercept.listen.port,
		.from = config->intercept.from, .from_len = config->intercept.from_len,
		.interface = config->intercept.interface, .local = config->intercept.local,
		.source_client = config->intercept.source_client,
		.open = open, .gate = open || required, .dns = config->intercept.watch,
	};
	if (out->method == METHOD_NONE) {
		snprintf(error, error_size, "intercept.method is none: the rules are somebody "
		    "else's");
		return false;
	}
	if (out->interface != NULL && !interface_ok(out->interface)) {
		snprintf(error, error_size, "intercept.interface is not the name of an interface");
		return false;
	}
	if (out->source_client && out->method != METHOD_TPROXY) {
		snprintf(error, error_size, "intercept.source: client needs method: tproxy");
		return false;
	}
	if (out->gate && !config->intercept.watch) {
		snprintf(error, error_size, "intercept.%s needs the nfq process (watch: yes)",
		    open ? "when-down: open" : "scope: required");
		return false;
	}
	if (!host->user(config->user, &out->uid)) {
		snprintf(error, error_size, "there is no user %.100s (user:)", config->user);
		return false;
	}
	return families(out, host, error, error_size);
}
