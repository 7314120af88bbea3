/* The configuration: what the grammar refuses, that iniparser reads what the scan reads, and what values may be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "conf/conf.h"
#include "conf/ini.h"

static char dir[] = "/tmp/forbear-conf-XXXXXX";
static char path[sizeof dir + 16];

static int setup(void **state)
{
    (void)state;
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/test.conf", dir);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(dir);
}

static void file_put(const char *text, size_t n)
{
    unlink(path); /* a file that is cut to nothing and written again is flushed to the disk at once: ext4(5), auto_da_alloc */
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, n, f), n);
    fclose(f);
}

static struct fb_conf *loads(const char *text)
{
    struct fb_err err = {""};
    struct fb_conf *conf = NULL;
    file_put(text, strlen(text));
    if (fb_conf_load(path, &conf, &err))
        fail_msg("refused: %s", err.text);
    return conf;
}

/* The file is refused, and the fault reads "<path><what>". */
static void refuses_bytes(const char *text, size_t n, const char *what)
{
    struct fb_err err = {""};
    struct fb_conf *conf = NULL;
    file_put(text, n);
    if (fb_conf_load(path, &conf, &err) == 0)
        fail_msg("accepted, where \"%s\" was to be found: %.*s", what, (int)n, text);
    assert_memory_equal(err.text, path, strlen(path));
    if (!strstr(err.text + strlen(path), what))
        fail_msg("\"%s\" does not say \"%s\"", err.text, what);
}

static void refuses(const char *text, const char *what)
{
    refuses_bytes(text, strlen(text), what);
}

static void the_defaults_need_no_file(void **state)
{
    (void)state;
    struct fb_conf *conf = NULL;
    assert_int_equal(fb_conf_load(NULL, &conf, NULL), 0);
    assert_null(conf->path);
    assert_int_equal(conf->forbear_mode, FB_MODE_OBSERVE);
    assert_int_equal(conf->hold_delay, 900);
    assert_int_equal(conf->limits_message_size, 50 << 20);
    assert_string_equal(conf->keeper_helper, "/run/forbear/helper.sock");
    assert_int_equal(conf->scope_networks.n, 2);
    fb_conf_free(conf);
}

static void an_empty_file_gives_the_defaults(void **state)
{
    (void)state;
    struct fb_conf *conf = loads("");
    assert_int_equal(conf->hold_retention, 30 * 86400);
    fb_conf_free(conf);
}

static void every_type_is_read(void **state)
{
    (void)state;
    struct fb_conf *conf = loads("; ours\n[forbear]\nmode=hold\r\non_error = tempfail\nlog_level\t=\tverbose\nnode = gw-1.example_a\n"
                                 "[scope]\ninternal_domains = Example.COM, example.org\nnetworks = 10.0.0.0/8, 2001:db8::/32 192.0.2.7\n"
                                 "[limits]\njudged_size = 4096\nparts = 7\n[hold]\ndelay = 2h\nafter_delay = withdraw\n"
                                 "[milter]\nsocket = \"inet:8893@[::1]#x;y\"\n");
    assert_int_equal(conf->forbear_mode, FB_MODE_HOLD);
    assert_int_equal(conf->forbear_on_error, FB_ON_ERROR_TEMPFAIL);
    assert_int_equal(conf->forbear_log_level, FB_LOG_LEVEL_VERBOSE);
    assert_string_equal(conf->forbear_node, "gw-1.example_a");
    assert_int_equal(conf->scope_internal_domains.n, 2);
    assert_string_equal(conf->scope_internal_domains.v[0].p, "example.com");
    assert_true(fb_words_contain(&conf->scope_internal_domains, FB_STR("EXAMPLE.org")));
    assert_int_equal(conf->limits_judged_size, 4096);
    assert_int_equal(conf->limits_parts, 7);
    assert_int_equal(conf->hold_delay, 7200);
    assert_int_equal(conf->hold_after_delay, FB_AFTER_DELAY_WITHDRAW);
    assert_string_equal(conf->milter_socket, "inet:8893@[::1]#x;y");
    fb_conf_free(conf);
}

static void addresses_are_found_in_their_blocks(void **state)
{
    (void)state;
    struct fb_conf *conf = loads("[scope]\nnetworks = 10.0.0.0/7 2001:db8::/33 192.0.2.7\n");
    const struct fb_nets *nets = &conf->scope_networks;
    static const uint8_t in4[16] = {[10] = 0xff, 0xff, 11, 255, 0, 1}, out4[16] = {[10] = 0xff, 0xff, 12, 0, 0, 1};
    static const uint8_t one[16] = {[10] = 0xff, 0xff, 192, 0, 2, 7}, next[16] = {[10] = 0xff, 0xff, 192, 0, 2, 6};
    static const uint8_t in6[16] = {0x20, 0x01, 0x0d, 0xb8, 0x7f, 1}, out6[16] = {0x20, 0x01, 0x0d, 0xb8, 0x80, 1};
    assert_true(fb_nets_contain(nets, in4));
    assert_false(fb_nets_contain(nets, out4));
    assert_true(fb_nets_contain(nets, one));
    assert_false(fb_nets_contain(nets, next));
    assert_true(fb_nets_contain(nets, in6));
    assert_false(fb_nets_contain(nets, out6));
    fb_conf_free(conf);
}

static void a_relative_path_counts_from_the_folder_of_the_file(void **state)
{
    (void)state;
    struct fb_conf *conf = loads("[people]\nfile = people.csv\nlists = /etc/lists.csv\n");
    char want[sizeof dir + 16];
    snprintf(want, sizeof want, "%s/people.csv", dir);
    assert_string_equal(conf->people_file, want);
    assert_string_equal(conf->people_lists, "/etc/lists.csv");
    fb_conf_free(conf);
    conf = loads("[people]\nfile =\n");
    assert_string_equal(conf->people_file, "");
    fb_conf_free(conf);
}

static void faults_name_file_line_section_and_key(void **state)
{
    (void)state;
    refuses("[forbear]\nmode = watch\n", ":2: [forbear] mode: want observe, notify or hold");
    refuses("[forbear]\n\non_error = reject\n", ":3: [forbear] on_error: want accept, tempfail");
    refuses("[hold]\ndelay = 15 minutes\n", ":2: [hold] delay: want seconds (as 90, 90s, 15m, 2h, 30d)");
    refuses("[hold]\ndelay = 0\n", "from 1 to 604800");
    refuses("[hold]\ndelay = 8d\n", "from 1 to 604800");
    refuses("[hold]\ndelay = 99999999999999999999d\n", ":2: [hold] delay: want seconds");
    refuses("[limits]\nmessage_size = 2G\n", "from 1024 to 1073741824");
    refuses("[limits]\nparts = many\n", ":2: [limits] parts: want a whole number");
    refuses("[scope]\nnetworks = 10.0.0.1/8\n", "10.0.0.1/8 is no address block");
    refuses("[scope]\nnetworks = 10.0.0.0/33\n", "is no address block");
    refuses("[scope]\nnetworks = ::/0/1\n", "is no address block");
    refuses("[scope]\nnetworks = localhost\n", "is no address block");
    refuses("[forbear]\nnode = a/b\n", ":2: [forbear] node: want letters");
    refuses("[forbear]\nnode =\n", ":2: [forbear] node: want 1 to 32 bytes");
    refuses("[web]\nbase_url = https://mail.example.com/\n", ":2: [web] base_url: want http");
    refuses("[web]\nbase_url = ftp://mail.example.com\n", ":2: [web] base_url: want http");
}

static void what_is_unknown_is_refused(void **state)
{
    (void)state;
    refuses("[forbear]\nmode = hold\n[forbaer]\n", ":3: there is no section [forbaer]");
    refuses("[forbear]\nmood = hold\n", ":2: [forbear] mood: there is no such key");
    refuses("[forbear]\ndelay = 15m\n", ":2: [forbear] delay: there is no such key");
}

static void what_stands_twice_is_refused_with_both_lines(void **state)
{
    (void)state;
    refuses("[hold]\ndelay = 1m\n\ndelay = 2m\n", ":4: [hold] delay stands twice: it is set in line 2");
    refuses("[hold]\n[forbear]\n[hold]\n", ":3: [hold] stands twice: it began in line 1");
}

static void the_grammar_is_strict(void **state)
{
    (void)state;
    refuses("mode = hold\n", ":1: mode stands before the first [section]");
    refuses("\xef\xbb\xbf[forbear]\n", ":1: the file begins with a byte-order mark");
    refuses("[forbear]\nmode\n", ":2: neither a comment nor a [section] nor key = value");
    refuses("[forbear] # ours\n", ":1: no section");
    refuses("[Forbear]\n", ":1: no section");
    refuses("[ forbear ]\n", ":1: no section");
    refuses("[]\n", ":1: no section");
    refuses("[\n", ":1: no section");
    refuses("[forbear]\nMode = hold\n", ":2: no key");
    refuses("[forbear]\n= hold\n", ":2: no key");
    refuses("[forbear]\nmode = ho\\\nld\n", ":2: a backslash");
    refuses("# a comment that goes on \\\n[forbear]\n", ":1: a backslash");
    refuses("[forbear]\nmode = hold ; for now\n", ":2: a value with ';' must stand in \"double quotes\"");
    refuses("[forbear]\nnode = a#b\n", ":2: a value with '#'");
    refuses("[forbear]\nnode = 'a'\n", ":2: a value that begins with a quote");
    refuses("[forbear]\nnode = \"a\n", ":2: a value that begins with a quote");
    refuses("[forbear]\nnode = \"a\" b\n", ":2: a value that begins with a quote");
    refuses("[forbear]\nnode = \"a\"b\"\n", ":2: a double quote within double quotes");
    refuses("[forbear]\nnode = a\rb\n", ":2: a control character (0x0d)");
    refuses("[forbear]\n# caf\xe9\n", ":2: a byte that is no UTF-8 (0xe9)");
    refuses_bytes("[forbear]\nnode = a\0b\n", 20, ":2: a control character (0x00)");
}

static void a_line_has_an_end(void **state)
{
    (void)state;
    char text[1100] = "[forbear]\n#";
    memset(text + 11, 'x', 999);
    struct fb_conf *conf = loads(text);
    fb_conf_free(conf);
    memset(text + 11, 'x', 1000);
    refuses(text, ":2: a line of 1001 bytes");
}

static void an_absent_file_is_named(void **state)
{
    (void)state;
    struct fb_err err = {""};
    struct fb_conf *conf = NULL;
    assert_true(fb_conf_load("/nonexistent/forbear.conf", &conf, &err) < 0);
    assert_non_null(strstr(err.text, "/nonexistent/forbear.conf: No such file"));
}

/* The sample with every '#' before a key taken away loads, and says what the defaults say. */
static void the_sample_shows_the_defaults(void **state)
{
    (void)state;
    FB_ARENA arena = fb_arena_new(1 << 20);
    struct fb_buf text = FB_BUF(arena);
    struct fb_str sample = fb_conf_sample(arena), line;
    assert_non_null(sample.p);
    while (fb_str_line(&sample, &line)) {
        assert_true(line.n <= 200);
        bool key = line.n > 1 && line.p[0] == '#' && line.p[1] != ' ';
        fb_buf_printf(&text, "%.*s\n", (int)(line.n - key), line.p + key);
    }
    struct fb_conf *defaults = NULL, *conf = loads(fb_buf_str(&text).p);
    assert_int_equal(fb_conf_load(NULL, &defaults, NULL), 0);
    assert_string_equal(fb_conf_dump(conf, arena).p, fb_conf_dump(defaults, arena).p);
    fb_conf_free(defaults);
    fb_conf_free(conf);
}

static void the_dump_shows_what_is_in_force(void **state)
{
    (void)state;
    FB_ARENA arena = fb_arena_new(1 << 20);
    struct fb_conf *conf = loads("[hold]\ndelay = 3m\n[people]\nfile = p.csv\n");
    struct fb_str dump = fb_conf_dump(conf, arena);
    assert_true(fb_str_ifind(dump, FB_STR("\nhold.delay = 3m\n")) >= 0);
    assert_true(fb_str_ifind(dump, FB_STR("forbear.mode = observe\n")) == 0);
    assert_true(fb_str_ifind(dump, FB_STR("/p.csv\n")) > 0);
    fb_conf_free(conf);
}

/* The one default that the machine has a say in. */
static void notices_come_from_this_host(void **state)
{
    (void)state;
    static const char *const none[] = {"ana", "@corp.example", "ana@", "ana@corp.example, ben@corp.example", "Ana <ana@corp.example>"};
    char host[256] = "", want[600];
    struct fb_conf *conf = loads("[scope]\ninternal_domains = corp.example other.example\n");
    gethostname(host, sizeof host - 1);
    snprintf(want, sizeof want, "forbear@%s%s", host, strchr(host, '.') ? "" : ".corp.example");
    assert_string_equal(conf->notice_from, want);
    FB_ARENA arena = fb_arena_new(1 << 20);
    assert_true(fb_str_ifind(fb_conf_dump(conf, arena), fb_str(want)) > 0);
    fb_conf_free(conf);
    conf = loads("[notice]\nfrom = forbear@gw.corp.example\n");
    assert_string_equal(conf->notice_from, "forbear@gw.corp.example");
    fb_conf_free(conf);
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        char text[128];
        snprintf(text, sizeof text, "[notice]\nfrom = %s\n", none[i]);
        refuses(text, "[notice] from: want an address");
    }
}

/* Lines put together by chance from pieces that trouble INI parsers. Whatever the scan accepts, iniparser reads alike:
 * a difference would be a fault that says so. */
static void scan_and_iniparser_read_alike(void **state)
{
    (void)state;
    static const char *const pieces[] = {"v", " ", "\t", "=", "\"", "'", ":", "]", "[", "\xc3\xa9", "a b", "\"\"", "0", "=\"", ";", "#", "[b]", "k", "\n", "\r\n"};
    static const char *const heads[] = {"[s]\nk = ", "[s]\n k=\"", "[s]\nk.1\t=\t", "[s]\n[b]\n", "[s]\nk =\nl = x\n", "; =\n[s]\nk = \"'"};
    unsigned accepted = 0;
    srand(20261128);
    for (unsigned round = 0; round < 20000; round++) {
        char text[128];
        size_t n = (size_t)snprintf(text, sizeof text, "%s", heads[round % 6]);
        for (int i = rand() % 8; i > 0; i--)
            n += (size_t)snprintf(text + n, sizeof text - n, "%s", pieces[(size_t)rand() % (sizeof pieces / sizeof *pieces)]);
        FB_ARENA arena = fb_arena_new(1 << 16);
        struct fb_err err = {""};
        struct fb_ini ini;
        if (fb_ini_scan(arena, path, fb_str(text), &ini, &err))
            continue;
        file_put(text, n);
        if (fb_ini_load(arena, path, &ini, &err))
            fail_msg("%s, in:\n%s", err.text, text);
        accepted += ini.n > 0;
    }
    assert_true(accepted > 2000);
}

/* Every allocation fails in turn: a failure each time, and never a crash or a leak. */
static void memory_may_run_out_anywhere(void **state)
{
    (void)state;
    static const char text[] = "[scope]\ninternal_domains = a b c\nnetworks = ::1\n[people]\nfile = x\n";
    file_put(text, strlen(text));
    int rc = -1;
    for (unsigned long nth = 1; rc; nth++) {
        struct fb_err err = {""};
        struct fb_conf *conf = NULL;
        fb_arena_fail_at(nth);
        rc = fb_conf_load(path, &conf, &err);
        fb_arena_fail_at(0);
        assert_true(rc == 0 || strlen(err.text) > 0);
        fb_conf_free(conf);
        assert_true(nth < 1000);
    }
}

/* A world of a case set has its own people, and nobody of the installation. */
static void a_section_of_the_file_over_it_replaces_the_whole_section(void **state)
{
    (void)state;
    static const char world[] = "[scope]\ninternal_domains = y.example\n[people]\nfile = p.csv\n";
    static const char own[] = "[scope]\ninternal_domains = x.example\ncustomer_domains = c.example\n[people]\nlists = l.csv\n[hold]\ndelay = 5m\n";
    char over[sizeof path + 8];
    struct fb_conf *conf;
    struct fb_err err = {""};
    file_put(world, sizeof world - 1);
    snprintf(over, sizeof over, "%s.over", path);
    assert_int_equal(rename(path, over), 0);
    file_put(own, sizeof own - 1);
    int rc = fb_conf_load_over(path, over, &conf, &err);
    unlink(over);
    if (rc)
        fail_msg("refused: %s", err.text);
    assert_int_equal(conf->scope_internal_domains.n, 1);
    assert_string_equal(conf->scope_internal_domains.v[0].p, "y.example");
    assert_int_equal(conf->scope_customer_domains.n, 0);
    assert_string_equal(conf->people_lists, "");
    assert_int_equal(conf->hold_delay, 300);
    assert_string_equal(conf->path, path);
    fb_conf_free(conf);
    assert_true(fb_conf_load_over(path, "/nonexistent/world.conf", &conf, &err) < 0);
    assert_non_null(strstr(err.text, "/nonexistent/world.conf"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_section_of_the_file_over_it_replaces_the_whole_section),
        cmocka_unit_test(the_defaults_need_no_file),
        cmocka_unit_test(an_empty_file_gives_the_defaults),
        cmocka_unit_test(every_type_is_read),
        cmocka_unit_test(addresses_are_found_in_their_blocks),
        cmocka_unit_test(a_relative_path_counts_from_the_folder_of_the_file),
        cmocka_unit_test(faults_name_file_line_section_and_key),
        cmocka_unit_test(what_is_unknown_is_refused),
        cmocka_unit_test(what_stands_twice_is_refused_with_both_lines),
        cmocka_unit_test(the_grammar_is_strict),
        cmocka_unit_test(a_line_has_an_end),
        cmocka_unit_test(an_absent_file_is_named),
        cmocka_unit_test(the_sample_shows_the_defaults),
        cmocka_unit_test(the_dump_shows_what_is_in_force),
        cmocka_unit_test(notices_come_from_this_host),
        cmocka_unit_test(scan_and_iniparser_read_alike),
        cmocka_unit_test(memory_may_run_out_anywhere),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
