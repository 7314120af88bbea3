/* The key files: reads those of tokens, makes all. Decides which public keys verify (every one in public/, so that links
 * outlive a rotation); must never leave a secret in memory that is not wiped, and never replace a key without @rotate.
 *
 * DIAGNOSTICS: a failure names the file; never what is in it. */
#include "token/keys.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/io.h"
#include "hold/seal.h"

enum { KEY_FILE_MAX = 256 };

_Static_assert(FB_SIGN_SECRET == crypto_sign_SECRETKEYBYTES && FB_SIGN_PUBLIC == crypto_sign_PUBLICKEYBYTES, "Ed25519");

void fb_kid(const uint8_t public_key[FB_SIGN_PUBLIC], char ret[FB_KID + 1])
{
    uint8_t hash[crypto_generichash_BYTES];
    crypto_generichash(hash, sizeof hash, public_key, FB_SIGN_PUBLIC, NULL, 0);
    sodium_bin2base64(ret, FB_KID + 1, hash, FB_KID / 4 * 3, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

/* A file "<type><base64url of n bytes>". */
static int paserk_read(const char *path, struct fb_str type, uint8_t *ret, size_t n, struct fb_err *err)
{
    FB_ARENA arena = fb_arena_new(KEY_FILE_MAX + 1);
    if (!arena)
        return fb_fail_memory(err);
    struct fb_str text;
    if (fb_io_read_file(arena, path, KEY_FILE_MAX, &text, err))
        return -1;
    struct fb_str line = fb_str_trim(text);
    bool good = line.n > type.n && memcmp(line.p, type.p, type.n) == 0 &&
                fb_b64_parse((struct fb_str){line.p + type.n, line.n - type.n}, ret, n);
    sodium_memzero((char *)text.p, text.n);
    return good ? 0 : fb_fail(err, "%s: not a key of the type %s", path, type.p);
}

/* libsodium signs with the second half as it is: one that is not the first half's would give the secret away. */
static int secret_check(const char *path, const uint8_t secret[FB_SIGN_SECRET], struct fb_err *err)
{
    uint8_t public_key[FB_SIGN_PUBLIC], again[FB_SIGN_SECRET];
    crypto_sign_seed_keypair(public_key, again, secret);
    bool same = sodium_memcmp(again, secret, sizeof again) == 0;
    sodium_memzero(again, sizeof again);
    return same ? 0 : fb_fail(err, "%s: the halves of the key do not belong together", path);
}

int fb_signer_open(const char *keys_dir, struct fb_signer **ret, struct fb_err *err)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/signing.key", keys_dir) >= (int)sizeof path)
        return fb_fail(err, "the path %s is too long", keys_dir);
    struct fb_signer *s = sodium_malloc(sizeof *s);
    if (!s)
        return fb_fail_memory(err);
    if (paserk_read(path, FB_STR("k4.secret."), s->secret, sizeof s->secret, err) || secret_check(path, s->secret, err)) {
        fb_signer_close(s);
        return -1;
    }
    fb_kid(s->secret + FB_SIGN_SECRET - FB_SIGN_PUBLIC, s->kid);
    *ret = s;
    return 0;
}

void fb_signer_close(struct fb_signer *s)
{
    sodium_free(s); /* wipes */
}

static int verifier_add(struct fb_verifier *v, const char *dir, const char *name, struct fb_err *err)
{
    char path[PATH_MAX], want[FB_KID + sizeof ".pub"];
    if (v->n == FB_VERIFY_KEYS)
        return fb_fail(err, "%s holds more than %d keys: remove those that no link needs any more", dir, FB_VERIFY_KEYS);
    if (snprintf(path, sizeof path, "%s/%s", dir, name) >= (int)sizeof path)
        return fb_fail(err, "the path %s is too long", dir);
    if (paserk_read(path, FB_STR("k4.public."), v->v[v->n].key, FB_SIGN_PUBLIC, err))
        return -1;
    fb_kid(v->v[v->n].key, v->v[v->n].kid);
    snprintf(want, sizeof want, "%s.pub", v->v[v->n].kid);
    if (strcmp(name, want) != 0)
        return fb_fail(err, "%s: its key has the name %s", path, want);
    v->n++;
    return 0;
}

static void dir_cleanup(DIR **d)
{
    if (*d)
        closedir(*d);
}

static int verifier_read(struct fb_verifier *v, const char *dir, struct fb_err *err)
{
    __attribute__((cleanup(dir_cleanup))) DIR *d = opendir(dir);
    if (!d)
        return fb_fail_errno(err, "cannot read %s", dir);
    struct dirent *e;
    while (errno = 0, (e = readdir(d)))
        if (e->d_name[0] != '.' && fb_str_iends(fb_str(e->d_name), FB_STR(".pub")) && verifier_add(v, dir, e->d_name, err))
            return -1;
    if (errno)
        return fb_fail_errno(err, "cannot read %s", dir);
    return v->n ? 0 : fb_fail(err, "%s holds no key", dir);
}

int fb_verifier_open(const char *keys_dir, struct fb_verifier **ret, struct fb_err *err)
{
    char dir[PATH_MAX];
    if (snprintf(dir, sizeof dir, "%s/public", keys_dir) >= (int)sizeof dir)
        return fb_fail(err, "the path %s is too long", keys_dir);
    struct fb_verifier *v = calloc(1, sizeof *v);
    if (!v)
        return fb_fail_memory(err);
    if (verifier_read(v, dir, err)) {
        fb_verifier_close(v);
        return -1;
    }
    *ret = v;
    return 0;
}

void fb_verifier_close(struct fb_verifier *v)
{
    free(v);
}

/* --- making them --- */

static int key_write(const char *dir, const char *name, const char *type, const uint8_t *key, size_t n, mode_t mode, struct fb_err *err)
{
    char b64[128], line[KEY_FILE_MAX];
    sodium_bin2base64(b64, sizeof b64, key, n, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    int len = snprintf(line, sizeof line, "%s%s\n", type, b64);
    int rc = fb_io_write_file(dir, name, (struct fb_str){line, (size_t)len}, mode, err);
    sodium_memzero(b64, sizeof b64);
    sodium_memzero(line, sizeof line);
    return rc;
}

static bool is_there(const char *dir, const char *name)
{
    char path[PATH_MAX];
    return snprintf(path, sizeof path, "%s/%s", dir, name) < (int)sizeof path && access(path, F_OK) == 0;
}

static int public_write(const char *keys_dir, const uint8_t public_key[FB_SIGN_PUBLIC], struct fb_err *err)
{
    char dir[PATH_MAX], kid[FB_KID + 1], name[sizeof kid + 4];
    fb_kid(public_key, kid);
    snprintf(name, sizeof name, "%s.pub", kid);
    if (snprintf(dir, sizeof dir, "%s/public", keys_dir) >= (int)sizeof dir)
        return fb_fail(err, "the path %s is too long", keys_dir);
    return is_there(dir, name) ? 0 : key_write(dir, name, "k4.public.", public_key, FB_SIGN_PUBLIC, 0644, err);
}

/* The public key first: a crash in between leaves a key that nobody uses, never links that nobody can verify. */
static int signing_make(const char *keys_dir, struct fb_err *err)
{
    uint8_t public_key[FB_SIGN_PUBLIC], secret[FB_SIGN_SECRET];
    crypto_sign_keypair(public_key, secret);
    int rc = public_write(keys_dir, public_key, err);
    if (rc == 0)
        rc = key_write(keys_dir, "signing.key", "k4.secret.", secret, sizeof secret, 0400, err);
    sodium_memzero(secret, sizeof secret);
    return rc;
}

static int signing_want(const char *keys_dir, bool rotate, struct fb_err *err)
{
    if (rotate || !is_there(keys_dir, "signing.key"))
        return signing_make(keys_dir, err);
    struct fb_signer *s;
    if (fb_signer_open(keys_dir, &s, err))
        return -1;
    int rc = public_write(keys_dir, s->secret + FB_SIGN_SECRET - FB_SIGN_PUBLIC, err);
    fb_signer_close(s);
    return rc;
}

/* The public half is made of the secret one, so that the two always belong together. */
static int box_want(const char *keys_dir, struct fb_err *err)
{
    uint8_t secret[FB_BOX_KEY], public_key[FB_BOX_KEY];
    int rc = 0;
    if (is_there(keys_dir, "box.key"))
        rc = fb_keys_read(keys_dir, "box.key", secret, sizeof secret, err);
    else {
        randombytes_buf(secret, sizeof secret);
        rc = key_write(keys_dir, "box.key", "", secret, sizeof secret, 0400, err);
    }
    if (rc == 0)
        crypto_scalarmult_base(public_key, secret);
    sodium_memzero(secret, sizeof secret);
    return rc ? rc : key_write(keys_dir, "box.pub", "", public_key, sizeof public_key, 0644, err);
}

static int hash_want(const char *keys_dir, struct fb_err *err)
{
    if (is_there(keys_dir, "hash.key"))
        return 0;
    uint8_t key[FB_HASH_KEY];
    crypto_generichash_keygen(key);
    int rc = key_write(keys_dir, "hash.key", "", key, sizeof key, 0440, err);
    sodium_memzero(key, sizeof key);
    return rc;
}

static int dir_want(const char *path, struct fb_err *err)
{
    if (mkdir(path, 0755) < 0 && errno != EEXIST)
        return fb_fail_errno(err, "cannot make %s", path);
    return 0;
}

int fb_keys_generate(const char *keys_dir, bool rotate, struct fb_err *err)
{
    char dir[PATH_MAX];
    if (snprintf(dir, sizeof dir, "%s/public", keys_dir) >= (int)sizeof dir)
        return fb_fail(err, "the path %s is too long", keys_dir);
    if (dir_want(keys_dir, err) || dir_want(dir, err) || signing_want(keys_dir, rotate, err) || box_want(keys_dir, err))
        return -1;
    return hash_want(keys_dir, err);
}
