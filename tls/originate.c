/* originate.c - TLS sessions that postern opens towards an MX
 * SPDX-License-Identifier: GPL-3.0-or-later
 *
 * Two contexts over one store of CA certificates: one for sessions of which proof is demanded, one
 * for the others, which would go in clear text if TLS failed and therefore take almost anything.
 * What the latter is weaker in is written into its evidence, so that it never proves more. */
#include "tls/originate.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "tls/attempt.h"
#include "tls/decoded.h"
#include "tls/library.h"
#include "tls/originate_inside.h"
#include "tls/session.h"
#include "tls/trust.h"
#include "tls/verified.h"

/* No anonymous, PSK, SRP or DSS suites: they show no certificate, or one nobody has. Key transport
 * by RSA stays, for servers that have nothing else. */
#define CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20:ECDHE+AES:DHE+AES:" \
	"kRSA+AESGCM:kRSA+AES:!aNULL:!eNULL:!PSK:!SRP:!aDSS"
#define LEVEL_PROVEN 2		/* OpenSSL's: 112 bits, no SHA-1 */
#define LEVEL_OTHER 0		/* the only one at which TLS 1.0 and 1.1 exist */
#define CHAIN_OCTETS_MAX (100 * 1024)	/* a Certificate message; honest ones stay under 20 KiB */
#define TIMEOUT (24 * 3600)	/* s a session may be resumed, if its server does not say less */

static SSL_CTX *
make_context(X509_STORE *store, int min_version, int level)
{
	SSL_CTX *ctx = stream_context(library_context(), TLS_client_method(), min_version, level);

	if (!ctx)
		return NULL;
	if (!SSL_CTX_set_cipher_list(ctx, CIPHERS)) {
		stream_context_free(ctx);
		return NULL;
	}
	if (level == LEVEL_OTHER)	/* without RFC 5746, as very old servers are */
		SSL_CTX_set_options(ctx, SSL_OP_LEGACY_SERVER_CONNECT);
	SSL_CTX_set1_cert_store(ctx, store);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, attempt_take_chain, NULL);
	SSL_CTX_set_max_cert_list(ctx, CHAIN_OCTETS_MAX);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ctx, attempt_take_session);
	SSL_CTX_set_timeout(ctx, TIMEOUT);
	return ctx;
}

static const char *
last_error(void)
{
	const char *text = ERR_reason_error_string(ERR_peek_last_error());

	ERR_clear_error();
	return text ? text : "out of memory";
}

struct originator *
originator_new(const char *ca_file, int min_version, char *error, size_t error_size)
{
	struct originator *o = calloc(1, sizeof *o);
	X509_STORE *store;

	if (!o) {
		snprintf(error, error_size, "out of memory");
		return NULL;
	}
	o->min_version = min_version;
	o->trust = trust_load(ca_file, error, error_size);
	if (!o->trust) {
		originator_free(o);
		return NULL;
	}
	store = trust_store(o->trust);
	o->proven = make_context(store, min_version > TLS1_2_VERSION ? min_version :
	    TLS1_2_VERSION, LEVEL_PROVEN);
	o->other = make_context(store, min_version, LEVEL_OTHER);
	o->resumption = resumption_new();
	o->decoded = decoded_new();
	o->verified = verified_new();
	if (!o->proven || !o->other || !o->resumption || !o->decoded || !o->verified) {
		snprintf(error, error_size, "TLS towards servers: %s", last_error());
		originator_free(o);
		return NULL;
	}
	return o;
}

void
originator_free(struct originator *o)
{
	if (!o)
		return;
	stream_context_free(o->proven);
	stream_context_free(o->other);
	resumption_free(o->resumption);
	decoded_free(o->decoded);
	verified_free(o->verified);
	trust_free(o->trust);
	free(o);
}

size_t
originator_ca_count(const struct originator *o)
{
	return trust_count(o->trust);
}

const struct trust *
originator_trust(const struct originator *o)
{
	return o->trust;
}

struct decoded *
originator_decoded(struct originator *o)
{
	return o->decoded;
}

struct verified *
originator_verified(struct originator *o)
{
	return o->verified;
}

int
originator_min_version(const struct originator *o)
{
	return o->min_version;
}

static bool
prepare(struct stream *s)
{
	struct attempt *a = s->attempt;
	SSL_SESSION *session;
	bool ok = true;

	SSL_set_connect_state(s->ssl);
	if (a->sni[0] && !SSL_set_tlsext_host_name(s->ssl, a->sni))
		return false;
	if (!a->has_tag)
		return true;
	session = resumption_take(a->originator->resumption, a->tag, time(NULL), &a->offered);
	if (session)
		ok = SSL_set_session(s->ssl, session);
	SSL_SESSION_free(session);
	return ok;
}

/* The digest of no set is zero. */
static const uint8_t *
digest_of(const struct tlsa_set *tlsa)
{
	static const uint8_t none[TLSA_DIGEST];

	return tlsa ? tlsa->digest : none;
}

struct stream *
originate(struct originator *o, int fd, const char *sni, const void *key, size_t key_len,
    int proven, const struct tlsa_set *tlsa)
{
	struct attempt *a = attempt_new(o, sni, tlsa);
	struct stream *s = a ? stream_new(proven ? o->proven : o->other, fd) : NULL;

	if (!s) {
		attempt_free(a);
		return NULL;
	}
	a->has_tag = resumption_tag(o->resumption, a->tag, sni, key, key_len,
	    digest_of(a->tlsa));
	s->attempt = a;
	s->on_finished = attempt_settle;
	s->on_free = attempt_discard;
	if (!prepare(s)) {
		stream_free(s);
		ERR_clear_error();
		return NULL;
	}
	return s;
}

void
originate_proof(struct stream *s, struct proof *out)
{
	const struct attempt *a = s->attempt;

	assert(a);
	proof_clear(out);
	snprintf(out->sni, sizeof out->sni, "%s", a->sni);
	out->state = PROOF_HANDSHAKE_FAILED;
	if (!s->finished) {
		snprintf(out->detail, sizeof out->detail, "%s",
		    s->error[0] ? s->error : "handshake not finished");
		return;
	}
	if (a->evidence && !evidence_fill(a->evidence, time(NULL), out)) {
		snprintf(out->detail, sizeof out->detail, "out of memory");
		return;
	}
	if (!a->evidence)
		proof_dane_missing(out, a->tlsa, "no certificate");
	out->state = PROOF_TLS;
	out->resumed = SSL_session_reused(s->ssl);
	snprintf(out->version, sizeof out->version, "%s", stream_version(s));
	snprintf(out->cipher, sizeof out->cipher, "%s", stream_cipher(s));
}

void
originate_forget(struct originator *o, const char *sni, const void *key, size_t key_len,
    const uint8_t tlsa_digest[TLSA_DIGEST])
{
	unsigned char tag[RESUMPTION_TAG];

	if (resumption_tag(o->resumption, tag, sni, key, key_len, tlsa_digest))
		resumption_forget(o->resumption, tag);
}
