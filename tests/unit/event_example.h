/* event_example.h - the event that INTERFACE.md shows
 * SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef TESTS_EVENT_EXAMPLE_H
#define TESTS_EVENT_EXAMPLE_H

#include <string.h>

#include "record/event.h"

static inline void
example(struct event *e)
{
	event_clear(e);
	e->type = EVENT_DECISION;
	e->time_us = 1795269739418233;
	e->id = "K7Q2-M4XD";
	e->session_id = "01JD7000000000000000000000";
	e->path = "upgrade";
	assert_true(address_parse(&e->src, "10.20.3.7", 9, 51422));
	assert_true(address_parse(&e->dest, "203.0.113.9", 11, 25));
	e->verdict = "refuse";
	e->mode = "enforce";
	e->result_type = "certificate-host-mismatch";
	e->reason_code = "name-mismatch";
	e->reason = "demands a certificate for mx.broken.example, got *.hoster.example";
	e->reply = "451 4.7.5 postern K7Q2-M4XD: broken.example demands";
	e->helo = "legacy.example.net";
	e->rcpt_domain = "broken.example";
	e->recipient = "joe@broken.example";
	e->mx_host = "mx.broken.example";
	e->starttls = "offered";
	e->policy_type = "sts";
	e->policy_domain = "broken.example";
	e->policy_mode = "enforce";
	e->policy_id = "7";
	e->policy_source = "cache";
	e->policy_age_s = 345600;
	e->tls_version = "TLSv1.3";
	e->tls_cipher = "TLS_AES_256_GCM_SHA384";
	e->tls_sni = "mx.broken.example";
	e->chain_len = 1;
	memset(e->chain_sha256[0], 0xab, 32);
	e->tls_not_after = 1798588800;
	e->policy_ms = 12;
	e->connect_ms = 31;
	e->tls_ms = 44;
	e->added_ms = 87;
}

#endif
