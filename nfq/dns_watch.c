/* dns_watch.c - from copies of packets to what was learnt from the DNS answers in them
 * SPDX-License-Identifier: GPL-3.0-or-later */
#include "nfq/dns_watch.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "nfq/dns_message.h"
#include "nfq/dns_stream.h"
#include "nfq/packet.h"
#include "daemon/siphash.h"

#define SAID_MAX (2 * LEARNT_MAX)	/* a full set says some hints too often, which is no harm */
#define SAID_WAYS 8

struct said {
	uint64_t hash;
	double at_s;
};

struct dns_watch {
	const struct dns_watch_events *events;
	void *arg;
	struct learnt *learnt;
	struct dns_streams *streams;
	double now_s;			/* during one packet */
	unsigned answers;		/* of one packet */
	struct siphash_key key;
	struct dns_message message;	/* tens of kilobytes: not for the stack */
	struct said said[SAID_MAX];
};

static void
domain_asked(void *arg, const char *domain)
{
	struct dns_watch *w = arg;
	const struct hint h = { .domain = domain, .mx_host = "" };

	w->events->hint(w->arg, &h);
}

/* place: where a hint is remembered, and by which hash; where it is not, what was said longest ago
 * in its set. */
static struct said *
place(struct dns_watch *w, const char *domain, const char *host, const struct in6_addr *ip,
    uint64_t *hash)
{
	unsigned char name[sizeof(ip->s6_addr) + 2 * DNS_NAME_SIZE];
	size_t domain_len = strnlen(domain, DNS_NAME_SIZE - 1);
	size_t host_len = strnlen(host, DNS_NAME_SIZE - 1), at = sizeof(ip->s6_addr);

	memcpy(name, ip->s6_addr, at);
	memcpy(name + at, domain, domain_len);
	at += domain_len;
	name[at++] = '\0';
	memcpy(name + at, host, host_len);
	*hash = siphash(&w->key, name, at + host_len);
	struct said *set = &w->said[*hash % (SAID_MAX / SAID_WAYS) * SAID_WAYS], *oldest = set;
	for (struct said *s = set; s < set + SAID_WAYS; s++) {
		if (s->hash == *hash)
			return s;
		if (s->at_s < oldest->at_s)
			oldest = s;
	}
	return oldest;
}

static void
mapped(void *arg, const char *domain, const char *host, const struct in6_addr *ip, uint32_t ttl_s)
{
	struct dns_watch *w = arg;
	const struct hint h = { .domain = domain, .mx_host = host, .peer = { .ip = *ip },
		.ttl_s = ttl_s < DNS_WATCH_HINT_S ? DNS_WATCH_HINT_S : ttl_s };

	uint64_t hash;
	struct said *s = place(w, domain, host, ip, &hash);

	/* The name for the address goes first: an answer may depend upon it. */
	if ((s->hash != hash || w->now_s - s->at_s >= DNS_WATCH_REPEAT_S) &&
	    w->events->hint(w->arg, &h))
		*s = (struct said){ hash, w->now_s };
	w->events->mapped(w->arg, domain, ip);
}

static const struct learnt_events learnt_events = { domain_asked, mapped };

struct dns_watch *
dns_watch_new(const struct dns_watch_events *events, void *arg, unsigned settle_s)
{
	struct dns_watch *w = calloc(1, sizeof(*w));

	if (w == NULL)
		return NULL;
	w->events = events;
	w->arg = arg;
	siphash_key_make(&w->key);
	w->learnt = learnt_new(&learnt_events, w, settle_s);
	w->streams = dns_streams_new();
	if (w->learnt == NULL || w->streams == NULL) {
		dns_watch_free(w);
		return NULL;
	}
	return w;
}

void
dns_watch_free(struct dns_watch *w)
{
	if (w == NULL)
		return;
	if (w->learnt != NULL)
		learnt_free(w->learnt);
	if (w->streams != NULL)
		dns_streams_free(w->streams);
	free(w);
}

const struct learnt *
dns_watch_learnt(const struct dns_watch *w)
{
	return w->learnt;
}

void
dns_watch_renew(struct dns_watch *w)
{
	memset(w->said, 0, sizeof(w->said));
}

void
dns_watch_lost(struct dns_watch *w, double now_s)
{
	learnt_lost(w->learnt, now_s);
}

static void
take_message(void *arg, const unsigned char *p, size_t len)
{
	struct dns_watch *w = arg;

	switch (dns_message_read(p, len, &w->message)) {
	case DNS_OK:
		w->answers++;
		learnt_message(w->learnt, &w->message, w->now_s);
		break;
	case DNS_UNWANTED:
		break;
	case DNS_BAD:
		learnt_lost(w->learnt, w->now_s);
		break;
	}
}

static void
take_segment(struct dns_watch *w, const struct packet *packet)
{
	unsigned long long before = dns_streams_lost(w->streams);

	dns_streams_segment(w->streams, packet, w->now_s, take_message, w);
	if (dns_streams_lost(w->streams) != before)
		learnt_lost(w->learnt, w->now_s);
}

unsigned
dns_watch_packet(struct dns_watch *w, const unsigned char *p, size_t len, double now_s)
{
	struct packet packet;

	w->answers = 0;
	w->now_s = now_s;
	switch (packet_read(p, len, &packet)) {
	case PACKET_BAD:
		/* The kernel has found the port in it, so the client may read it. */
		learnt_lost(w->learnt, now_s);
		return 0;
	case PACKET_OTHER:
		return 0;
	case PACKET_OK:
		break;
	}
	if (packet.src.port != DNS_WATCH_PORT)
		return 0;
	if (packet.protocol == IPPROTO_TCP)
		take_segment(w, &packet);
	else if (packet.cut)
		learnt_lost(w->learnt, now_s);
	else
		take_message(w, packet.payload, packet.len);
	return w->answers;
}
