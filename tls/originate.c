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

#include "tls/evidence.h"
#include "tls/decoded.h"
#include "tls/resumption.h"
#include "tls/session.h"
#include "tls/trust.h"

/* No anonymous, PSK, SRP or DSS suites: they show no certificate, or one nobody has. Key transport
 * by RSA stays, for servers that have nothing else. */
#define CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20:ECDHE+AES:DHE+AES:" \
	"kRSA+AESGCM:kRSA+AES:!aNULL:!eNULL:!PSK:!SRP:!aDSS"
#define LEVEL_PROVEN 2		/* OpenSSL's: 112 bits, no SHA-1 */
#define LEVEL_OTHER 0		/* the only one at which TLS 1.0 and 1.1 exist */
#define STRENGTH_MIN 112	/* bits of the key exchange, for a proof to count */
#define CHAIN_OCTETS_MAX (100 * 1024)	/* a Certificate message; honest ones stay under 20 KiB */
#define TIMEOUT (24 * 3600)	/* s a session may be resumed, if its server does not say less */
#define SNI_MAX 255		/* RFC 1035 2.3.4 */

struct originator {
	struct trust *trust;
	struct decoded *decoded;
	int min_version;
	SSL_CTX *proven, *other;
	struct resumption *resumption;
};

struct attempt {
	struct originator *originator;
	struct evidence *evidence;	/* of this handshake, or of the one it resumed */
	struct evidence *offered;	/* of the session offered, until the server has chosen */
	struct tlsa_set *tlsa;		/* a copy, until there is evidence; NULL for none */
	unsigned char tag[RESUMPTION_TAG];
	bool has_tag;
	char sni[SNI_MAX + 1];
};

/* Never refuses a chain for what it is; only what is too long to be looked at fails here. */
static int
record_chain(X509_STORE_CTX *ctx, void *unused)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(ctx, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct stream *s = SSL_get_app_data(ssl);
	struct attempt *a = s->attempt;

	(void)unused;
	if (sk_X509_num(X509_STORE_CTX_get0_untrusted(ctx)) > PROOF_CHAIN_MAX) {
		X509_STORE_CTX_set_error(ctx, X509_V_ERR_CERT_CHAIN_TOO_LONG);
		return 0;
	}
	evidence_release(a->evidence);
	a->evidence = evidence_collect(ctx, trust_dane(a->originator->trust), a->tlsa);
	if (!a->evidence) {
		X509_STORE_CTX_set_error(ctx, X509_V_ERR_OUT_OF_MEM);
		return 0;
	}
	return 1;
}

static struct evidence *
standing_evidence(const struct stream *s)
{
	return !s->finished && SSL_session_reused(s->ssl) ? s->attempt->offered :
	    s->attempt->evidence;
}

/* TLS <= 1.2: inside the handshake. TLS 1.3: whenever a ticket is read. */
static int
remember(SSL *ssl, SSL_SESSION *session)
{
	struct stream *s = SSL_get_app_data(ssl);
	struct evidence *e = standing_evidence(s);

	return s->attempt->has_tag && e &&
	    resumption_keep(s->attempt->originator->resumption, s->attempt->tag, session, e);
}

static SSL_CTX *
make_context(X509_STORE *store, int min_version, int level)
{
	SSL_CTX *ctx = stream_context(TLS_client_method(), min_version, level);

	if (!ctx)
		return NULL;
	if (!SSL_CTX_set_cipher_list(ctx, CIPHERS)) {
		SSL_CTX_free(ctx);
		return NULL;
	}
	if (level == LEVEL_OTHER)	/* without RFC 5746, as very old servers are */
		SSL_CTX_set_options(ctx, SSL_OP_LEGACY_SERVER_CONNECT);
	SSL_CTX_set1_cert_store(ctx, store);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, record_chain, NULL);
	SSL_CTX_set_max_cert_list(ctx, CHAIN_OCTETS_MAX);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ctx, remember);
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
	if (!o->proven || !o->other || !o->resumption || !o->decoded) {
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
	SSL_CTX_free(o->proven);
	SSL_CTX_free(o->other);
	resumption_free(o->resumption);
	decoded_free(o->decoded);
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

int
originator_min_version(const struct originator *o)
{
	return o->min_version;
}

/* What keeps the certificates of this very session from counting; NULL when nothing does. Only
 * sessions of which no proof was demanded can get here with such a thing. */
static const char *
weakness(SSL *ssl)
{
	EVP_PKEY *exchange = NULL;
	int nid = NID_undef, bits = STRENGTH_MIN;

	if (SSL_version(ssl) < TLS1_2_VERSION)
		return "TLS version below 1.2";
	if (SSL_get_peer_tmp_key(ssl, &exchange)) {
		bits = EVP_PKEY_get_security_bits(exchange);
		EVP_PKEY_free(exchange);
	}
	if (bits < STRENGTH_MIN)
		return "weak key exchange";
	if (SSL_get_peer_signature_nid(ssl, &nid) &&
	    (nid == NID_sha1 || nid == NID_md5 || nid == NID_md5_sha1))
		return "key exchange signed with a broken digest";
	return NULL;
}

static void
settle(struct stream *s)
{
	struct attempt *a = s->attempt;

	if (SSL_session_reused(s->ssl)) {
		assert(a->offered && !a->evidence);
		a->evidence = a->offered;
		a->offered = NULL;
	} else if (a->evidence) {
		const char *fault = weakness(s->ssl);

		if (fault)
			evidence_weaken(a->evidence, fault);
	}
	evidence_release(a->offered);
	a->offered = NULL;
	if (a->evidence) {	/* which has the set's digest */
		free(a->tlsa);
		a->tlsa = NULL;
	}
}

static void
discard(struct stream *s)
{
	struct attempt *a = s->attempt;

	/* The session offered may be why the handshake failed. */
	if (!s->finished && a->offered)
		resumption_forget(a->originator->resumption, a->tag);
	evidence_release(a->evidence);
	evidence_release(a->offered);
	free(a->tlsa);
	free(a);
	s->attempt = NULL;
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

static struct attempt *
new_attempt(struct originator *o, const struct tlsa_set *tlsa)
{
	struct attempt *a = calloc(1, sizeof *a);

	if (!a)
		return NULL;
	a->originator = o;
	if (!tlsa || tlsa->len == 0)
		return a;
	a->tlsa = tlsa_copy(tlsa);
	if (a->tlsa)
		return a;
	free(a);
	return NULL;
}

struct stream *
originate(struct originator *o, int fd, const char *sni, const void *key, size_t key_len,
    int proven, const struct tlsa_set *tlsa)
{
	struct attempt *a = new_attempt(o, tlsa);
	struct stream *s = a ? stream_new(proven ? o->proven : o->other, fd) : NULL;

	assert(strlen(sni) <= SNI_MAX);
	if (!s) {
		if (a)
			free(a->tlsa);
		free(a);
		return NULL;
	}
	a->has_tag = resumption_tag(o->resumption, a->tag, sni, key, key_len,
	    digest_of(a->tlsa));
	snprintf(a->sni, sizeof a->sni, "%s", sni);
	s->attempt = a;
	s->on_finished = settle;
	s->on_free = discard;
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
