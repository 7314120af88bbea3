/* The certificate of the page, and its key. Decides whether they can be served, before anybody is: the server itself
 * would only say that it does not start. A password of a key is never asked for.
 *
 * DIAGNOSTICS: every failure names the configuration key and the file, and has GnuTLS's own words. */
#include "tls/tls.h"

#include <gnutls/x509.h>

#include "base/io.h"

enum { PEM_MAX = 256 * 1024 };

struct chain {
    gnutls_x509_crt_t *v; /* the page's own first */
    unsigned n;
};

static void chain_done(struct chain *c)
{
    for (unsigned i = 0; i < c->n; i++)
        gnutls_x509_crt_deinit(c->v[i]);
    gnutls_free(c->v);
}
#define CHAIN __attribute__((cleanup(chain_done))) struct chain

static void credentials_done(gnutls_certificate_credentials_t *c)
{
    if (*c)
        gnutls_certificate_free_credentials(*c);
}

static void privkey_done(gnutls_x509_privkey_t *k)
{
    if (*k)
        gnutls_x509_privkey_deinit(*k);
}

static gnutls_datum_t datum(struct fb_str s)
{
    return (gnutls_datum_t){(unsigned char *)s.p, (unsigned)s.n};
}

static int chain_parse(struct fb_str pem, struct chain *ret)
{
    gnutls_datum_t d = datum(pem);
    *ret = (struct chain){NULL, 0};
    return gnutls_x509_crt_list_import2(&ret->v, &ret->n, &d, GNUTLS_X509_FMT_PEM, GNUTLS_X509_CRT_LIST_SORT);
}

static int certificate_check(const char *path, struct fb_tls *tls, struct fb_err *err)
{
    CHAIN chain;
    int rc = chain_parse(tls->certificate, &chain);
    if (rc < 0)
        return fb_fail(err, "web.tls_certificate: %s: %s", path, gnutls_strerror(rc));
    tls->until_s = gnutls_x509_crt_get_expiration_time(chain.v[0]);
    return 0;
}

static int key_check(const char *path, const struct fb_tls *tls, struct fb_err *err)
{
    __attribute__((cleanup(privkey_done))) gnutls_x509_privkey_t key = NULL;
    gnutls_datum_t d = datum(tls->key);
    int rc = gnutls_x509_privkey_init(&key);
    if (rc == 0)
        rc = gnutls_x509_privkey_import2(key, &d, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN);
    return rc < 0 ? fb_fail(err, "web.tls_key: %s: %s", path, gnutls_strerror(rc)) : 0;
}

static int pair_check(const char *certificate, const char *key, const struct fb_tls *tls, struct fb_err *err)
{
    __attribute__((cleanup(credentials_done))) gnutls_certificate_credentials_t both = NULL;
    gnutls_datum_t c = datum(tls->certificate), k = datum(tls->key);
    int rc = gnutls_certificate_allocate_credentials(&both);
    if (rc == 0)
        rc = gnutls_certificate_set_x509_key_mem(both, &c, &k, GNUTLS_X509_FMT_PEM);
    return rc < 0 ? fb_fail(err, "web.tls_key: %s is not the key of %s: %s", key, certificate, gnutls_strerror(rc)) : 0;
}

int fb_tls_load(const char *certificate, const char *key, struct fb_arena *arena, struct fb_tls *ret, struct fb_err *err)
{
    *ret = (struct fb_tls){FB_STR_NONE, FB_STR_NONE, 0};
    if (!*certificate && !*key)
        return FB_TLS_NONE;
    if (!*certificate || !*key)
        return fb_fail(err, "web.tls_certificate and web.tls_key: %s alone is of no use, want both or none", *key ? key : certificate);
    if (fb_io_read_file(arena, certificate, PEM_MAX, &ret->certificate, err))
        return fb_fail_in(err, "web.tls_certificate");
    if (fb_io_read_file(arena, key, PEM_MAX, &ret->key, err))
        return fb_fail_in(err, "web.tls_key");
    return certificate_check(certificate, ret, err) || key_check(key, ret, err) || pair_check(certificate, key, ret, err) ? -1 : 0;
}

void fb_tls_wipe(struct fb_tls *tls)
{
    gnutls_memset((char *)tls->key.p, 0, tls->key.n);
}

bool fb_tls_is_for(const struct fb_tls *tls, const char *host)
{
    CHAIN chain;
    return chain_parse(tls->certificate, &chain) >= 0 && gnutls_x509_crt_check_hostname(chain.v[0], host);
}
