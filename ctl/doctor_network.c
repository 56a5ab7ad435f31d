/* doctor_network.c - what the policies come by: the resolvers, and HTTPS to a policy host
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "ctl/doctor.h"
#include "ctl/terminal.h"
#include "nfq/dns_message.h"
#include "policy/domain.h"

#define TYPE_NS 2		/* RFC 1035 3.2.2 */
#define RCODE_NONE 0
#define HTTPS_PORT 443

static bool
trusted(const struct config *c, const struct address *server)
{
	switch (c->resolver.trust_ad) {
	case TRUST_AD_YES:
		return true;
	case TRUST_AD_NO:
		return false;
	case TRUST_AD_AUTO:
		return address_is_loopback(&server->ip);
	}
	return false;
}

static bool
dane_by_rule(const struct config_rule *rules, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (rules[i].level == LEVEL_DANE || rules[i].level == LEVEL_DANE_ONLY)
			return true;
	return false;
}

/* Without a resolver whose validation counts DANE is not in force; where a rule builds on it, mail
 * goes unproven or not at all. */
static enum doctor_state
severity(const struct config *c, enum doctor_state without_dane)
{
	if (!c->policy.dane)
		return without_dane;
	return dane_by_rule(c->domains, c->domains_len) ||
	    dane_by_rule(c->relays, c->relays_len) ? DOCTOR_FAULT : DOCTOR_WARNING;
}

static void
say_resolver(struct doctor *d, const struct address *server, const struct doctor_answer *a)
{
	const struct config *c = d->config;
	const char *dane = c->policy.dane ? "; DANE is not in force by its answers" : "";
	char text[ADDRESS_TEXT_SIZE];

	address_print(server, text);
	if (!a->answered || a->rcode != RCODE_NONE) {
		if (!a->answered)
			doctor_say(d, DOCTOR_FAULT, "resolver", "%s does not answer", text);
		else
			doctor_say(d, DOCTOR_FAULT, "resolver", "%s answers the question for the "
			    "root's name servers with error %u", text, a->rcode);
		doctor_remedy(d, "resolver.servers, or start the resolver there");
	} else if (!a->ad) {
		doctor_say(d, severity(c, DOCTOR_WARNING), "resolver", "%s answers, but does not "
		    "validate (DNSSEC)%s", text, dane);
		doctor_remedy(d, "a validating resolver on this host, such as unbound, and "
		    "`resolver.servers: [127.0.0.1]`%s", c->policy.dane ? "; `policy.dane: no` "
		    "if it is not to be" : "");
	} else if (!trusted(c, server)) {
		doctor_say(d, severity(c, DOCTOR_NOTE), "resolver", "%s answers and validates, "
		    "but its word is not trusted %s%s", text, c->resolver.trust_ad == TRUST_AD_NO ?
		    "(resolver.trust-ad: no)" : "from afar", dane);
		doctor_remedy(d, "a validating resolver on this host, or resolver.trust-ad: yes, "
		    "if nobody can forge answers on the way to it");
	} else {
		doctor_say(d, DOCTOR_OK, "resolver", "%s answers and validates", text);
	}
}

void
doctor_resolver(struct doctor *d)
{
	struct doctor_answer answers[CONFIG_RESOLVERS_MAX] = { { .answered = false } };
	const struct config *c = d->config;
	size_t i, n = c->resolver.servers_len;

	d->host->resolve(c->resolver.servers, n, ".", TYPE_NS, answers);
	for (i = 0; i < n; i++)
		say_resolver(d, &c->resolver.servers[i], &answers[i]);
}

/* A domain whose policy came without trouble, so that its host should be there; "" for none. */
static void
known_domain(const struct doctor *d, char out[DOMAIN_SIZE])
{
	enum exit_code code;
	char error[400];
	json_t *list = d->host->ask(d->config->control, "policy-list", &code, error,
	    sizeof(error)), *entry;
	const char *name;
	size_t i;

	out[0] = '\0';
	json_array_foreach(list, i, entry) {
		name = terminal_member(entry, "domain");
		if (out[0] == '\0' && json_object_get(entry, "problem") == NULL &&
		    domain_normalise(out, name, strlen(name), false) != DOMAIN_OK)
			out[0] = '\0';
	}
	json_decref(list);
}

/* The first address in the first answer that has one. */
static bool
address_of(const struct doctor *d, const char *name, uint16_t type, struct address *out)
{
	struct doctor_answer answers[CONFIG_RESOLVERS_MAX] = { { .answered = false } };
	struct dns_message m;
	size_t i, k, n = d->config->resolver.servers_len;

	d->host->resolve(d->config->resolver.servers, n, name, type, answers);
	for (i = 0; i < n; i++) {
		if (!answers[i].answered || dns_message_read(answers[i].message, answers[i].len,
		    &m) != DNS_OK)
			continue;
		for (k = 0; k < m.len; k++)
			if (m.records[k].type == (enum dns_type)type) {
				*out = (struct address){ m.records[k].ip, HTTPS_PORT };
				return true;
			}
	}
	return false;
}

void
doctor_policy_host(struct doctor *d)
{
	char domain[DOMAIN_SIZE] = "", host[DOMAIN_SIZE + 16], error[160];
	struct address to;

	if (!d->config->policy.mta_sts)
		return;
	if (d->status != NULL)
		known_domain(d, domain);
	if (domain[0] == '\0') {
		doctor_say(d, DOCTOR_NOTE, "policy-host", "not tried: no domain with a policy is "
		    "known%s", d->status == NULL ? " without the daemon" : " yet");
		return;
	}
	snprintf(host, sizeof(host), "mta-sts.%s", domain);
	if (!address_of(d, host, DNS_A, &to) && !address_of(d, host, DNS_AAAA, &to)) {
		doctor_say(d, DOCTOR_WARNING, "policy-host", "the address of %s is not found",
		    host);
		doctor_remedy(d, "see the check `resolver`; posternctl policy show %s", domain);
	} else if (!d->host->dial(&to, error, sizeof(error))) {
		doctor_say(d, DOCTOR_WARNING, "policy-host", "%s cannot be reached by HTTPS: %s",
		    host, error);
		doctor_remedy(d, "let posternd's user connect to port 443 anywhere; policies are "
		    "not renewed without it");
	} else {
		doctor_say(d, DOCTOR_OK, "policy-host", "%s can be reached by HTTPS", host);
	}
}
