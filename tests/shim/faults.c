/*
 * Faults of a file system and a clock, for one process: a library for LD_PRELOAD.
 *
 * AUDITWAKE_FAULTS holds rules, parted by `;`. A rule is `calls@path@effect` or `calls@path@effect@when`:
 *
 *   calls   of open create read write fsync rename unlink mkdir, parted by commas. `create` opens for writing, `open`
 *           for reading only; `read` is also pread and readv, `write` also pwrite and writev, `fsync` also fdatasync.
 *   path    text that the path holds, with `$` at its end one that it ends with; of a descriptor the path that its file
 *           has by now, of a rename either path.
 *   effect  the name of an error (EIO, EINTR, ENOSPC, EACCES, EROFS, EMFILE), or
 *           short  the call does one byte of what was asked,
 *           kill   the process dies as by `kill -9`, before the call,
 *           torn   half of the bytes are written, then it dies.
 *   when    first=N  the first N calls that match,   nth=N  only the Nth,   every=N  each Nth,
 *           while=FILE  as long as that file is there. Without it: always.
 *
 * AUDITWAKE_CLOCK names a file with seconds that are added to the real-time clock; no file, no seconds.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { OPEN = 1, CREATE = 2, READ = 4, WRITE = 8, FSYNC = 16, RENAME = 32, UNLINK = 64, MKDIR = 128 };
enum { SHORT = -1, KILL = -2, TORN = -3 }; /* an effect above zero is an errno */

struct name { const char *text; int value; };

static const struct name CALLS[] = {
    {"open", OPEN},   {"create", CREATE}, {"read", READ},     {"write", WRITE},
    {"fsync", FSYNC}, {"rename", RENAME}, {"unlink", UNLINK}, {"mkdir", MKDIR}, {NULL, 0},
};
static const struct name EFFECTS[] = {
    {"EIO", EIO},       {"EINTR", EINTR},   {"ENOSPC", ENOSPC}, {"EACCES", EACCES}, {"EROFS", EROFS},
    {"EMFILE", EMFILE}, {"short", SHORT},   {"kill", KILL},     {"torn", TORN},     {NULL, 0},
};

struct rule {
    int calls, effect;
    long first, nth, every;
    const char *path, *control;
    atomic_long count;
};

#define MOST_RULES 8
static struct rule rules[MOST_RULES];
static int rule_count;
static const char *clock_file;

/* A rule that says nothing would test nothing. */
static void refuse(const char *why, const char *text) {
    fprintf(stderr, "AUDITWAKE_FAULTS: %s: %s\n", why, text);
    _exit(97);
}

static int named(const struct name *names, const char *text) {
    for (; names->text; names++)
        if (strcmp(names->text, text) == 0) return names->value;
    refuse("no such word", text);
    return 0;
}

static void parse_when(struct rule *rule, char *when) {
    char *value = strchr(when, '=');
    if (!value) refuse("not a condition", when);
    *value++ = 0;
    if (strcmp(when, "while") == 0) rule->control = value;
    else if (strcmp(when, "first") == 0) rule->first = atol(value);
    else if (strcmp(when, "nth") == 0) rule->nth = atol(value);
    else if (strcmp(when, "every") == 0) rule->every = atol(value);
    else refuse("not a condition", when);
}

static void parse_rule(char *text) {
    if (rule_count == MOST_RULES) refuse("too many rules", text);
    struct rule *rule = &rules[rule_count];
    char *calls = strsep(&text, "@"), *path = strsep(&text, "@"), *effect = strsep(&text, "@");
    if (!path || !effect) refuse("not a rule", calls);
    char *rest = calls, *call;
    while ((call = strsep(&rest, ","))) rule->calls |= named(CALLS, call);
    rule->path = path;
    rule->effect = named(EFFECTS, effect);
    if (text) parse_when(rule, text);
    rule_count++;
}

__attribute__((constructor)) static void parse(void) {
    const char *given = getenv("AUDITWAKE_FAULTS");
    clock_file = getenv("AUDITWAKE_CLOCK");
    char *rest = given && *given ? strdup(given) : NULL, *text;
    while ((text = strsep(&rest, ";"))) parse_rule(text);
}

/* Whether a rule that matches bites this time. Here and below: system calls that are not our own hooks. */
static int bites(struct rule *rule) {
    if (rule->control) return syscall(SYS_faccessat, AT_FDCWD, rule->control, F_OK) == 0;
    long count = atomic_fetch_add(&rule->count, 1) + 1;
    if (rule->first) return count <= rule->first;
    if (rule->nth) return count == rule->nth;
    if (rule->every) return count % rule->every == 0;
    return 1;
}

static int holds(const char *path, const char *text) {
    size_t length = strlen(text);
    if (length == 0 || text[length - 1] != '$') return strstr(path, text) != NULL;
    size_t whole = strlen(path);
    length--;
    return whole >= length && memcmp(path + whole - length, text, length) == 0;
}

/* The effect on a call; 0 for none. */
static int effect(int call, const char *path, const char *other) {
    int saved = errno, found = 0;
    for (int i = 0; i < rule_count && !found; i++) {
        struct rule *rule = &rules[i];
        int here = holds(path, rule->path) || (other && holds(other, rule->path));
        if ((rule->calls & call) && here && bites(rule)) found = rule->effect;
    }
    errno = saved;
    if (found == KILL) syscall(SYS_kill, getpid(), SIGKILL);
    return found;
}

/* The path of what a descriptor has open, whatever it is called by now. */
static int effect_on(int call, int fd) {
    int watched = 0;
    for (int i = 0; i < rule_count; i++) watched |= rules[i].calls;
    if (!(watched & call)) return 0;
    char link[32], path[PATH_MAX];
    int saved = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    long length = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
    errno = saved;
    if (length < 0) return 0;
    path[length] = 0;
    return effect(call, path, NULL);
}

#define REAL(type, name, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) real = (type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)
#define FAIL_ON(found) \
    if ((found) > 0) { errno = (found); return -1; }

/* --- opening ---------------------------------------------------------------------------------------------------- */

static int opens(int flags, const char *path) {
    int writes = (flags & O_ACCMODE) != O_RDONLY || (flags & (O_CREAT | O_TRUNC));
    return effect(writes ? CREATE : OPEN, path, NULL);
}

static mode_t mode_of(int flags, va_list list) {
    return flags & (O_CREAT | O_TMPFILE) ? va_arg(list, mode_t) : 0;
}

#define OPEN_HOOK(name) \
    int name(const char *path, int flags, ...) { \
        va_list list; \
        va_start(list, flags); \
        mode_t mode = mode_of(flags, list); \
        va_end(list); \
        REAL(int, #name, const char *, int, ...); \
        int found = opens(flags, path); \
        FAIL_ON(found) \
        return real(path, flags, mode); \
    }
#define OPENAT_HOOK(name) \
    int name(int at, const char *path, int flags, ...) { \
        va_list list; \
        va_start(list, flags); \
        mode_t mode = mode_of(flags, list); \
        va_end(list); \
        REAL(int, #name, int, const char *, int, ...); \
        int found = opens(flags, path); \
        FAIL_ON(found) \
        return real(at, path, flags, mode); \
    }
OPEN_HOOK(open)
OPEN_HOOK(open64)
OPENAT_HOOK(openat)
OPENAT_HOOK(openat64)

int mkdir(const char *path, mode_t mode) {
    REAL(int, "mkdir", const char *, mode_t);
    int found = effect(MKDIR, path, NULL);
    FAIL_ON(found)
    return real(path, mode);
}

/* --- reading and writing ---------------------------------------------------------------------------------------- */

static size_t some(int found, size_t asked) { return found == SHORT && asked > 1 ? 1 : asked; }

ssize_t read(int fd, void *buffer, size_t size) {
    REAL(ssize_t, "read", int, void *, size_t);
    int found = effect_on(READ, fd);
    FAIL_ON(found)
    return real(fd, buffer, some(found, size));
}

#define PREAD_HOOK(name, offset_type) \
    ssize_t name(int fd, void *buffer, size_t size, offset_type offset) { \
        REAL(ssize_t, #name, int, void *, size_t, offset_type); \
        int found = effect_on(READ, fd); \
        FAIL_ON(found) \
        return real(fd, buffer, some(found, size), offset); \
    }
PREAD_HOOK(pread, off_t)
PREAD_HOOK(pread64, off64_t)

ssize_t readv(int fd, const struct iovec *parts, int count) {
    REAL(ssize_t, "readv", int, const struct iovec *, int);
    int found = effect_on(READ, fd);
    FAIL_ON(found)
    if (found == SHORT && count > 0) return read(fd, parts[0].iov_base, parts[0].iov_len ? 1 : 0);
    return real(fd, parts, count);
}

static void die_half_way(int fd, const void *bytes, size_t size) {
    syscall(SYS_write, fd, bytes, size / 2);
    syscall(SYS_kill, getpid(), SIGKILL);
}

ssize_t write(int fd, const void *bytes, size_t size) {
    REAL(ssize_t, "write", int, const void *, size_t);
    int found = effect_on(WRITE, fd);
    FAIL_ON(found)
    if (found == TORN) die_half_way(fd, bytes, size);
    return real(fd, bytes, some(found, size));
}

#define PWRITE_HOOK(name, offset_type) \
    ssize_t name(int fd, const void *bytes, size_t size, offset_type offset) { \
        REAL(ssize_t, #name, int, const void *, size_t, offset_type); \
        int found = effect_on(WRITE, fd); \
        FAIL_ON(found) \
        return real(fd, bytes, some(found, size), offset); \
    }
PWRITE_HOOK(pwrite, off_t)
PWRITE_HOOK(pwrite64, off64_t)

ssize_t writev(int fd, const struct iovec *parts, int count) {
    REAL(ssize_t, "writev", int, const struct iovec *, int);
    int found = effect_on(WRITE, fd);
    FAIL_ON(found)
    if (found == TORN && count > 0) die_half_way(fd, parts[0].iov_base, parts[0].iov_len);
    return real(fd, parts, count);
}

/* --- what makes it last ----------------------------------------------------------------------------------------- */

#define FSYNC_HOOK(name) \
    int name(int fd) { \
        REAL(int, #name, int); \
        int found = effect_on(FSYNC, fd); \
        FAIL_ON(found) \
        return real(fd); \
    }
FSYNC_HOOK(fsync)
FSYNC_HOOK(fdatasync)

int rename(const char *from, const char *to) {
    REAL(int, "rename", const char *, const char *);
    int found = effect(RENAME, from, to);
    FAIL_ON(found)
    return real(from, to);
}

int renameat(int from_at, const char *from, int to_at, const char *to) {
    REAL(int, "renameat", int, const char *, int, const char *);
    int found = effect(RENAME, from, to);
    FAIL_ON(found)
    return real(from_at, from, to_at, to);
}

int unlink(const char *path) {
    REAL(int, "unlink", const char *);
    int found = effect(UNLINK, path, NULL);
    FAIL_ON(found)
    return real(path);
}

/* --- the clock -------------------------------------------------------------------------------------------------- */

static long clock_offset(void) {
    char text[32];
    long fd = syscall(SYS_openat, AT_FDCWD, clock_file, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return 0;
    long length = syscall(SYS_read, fd, text, sizeof text - 1);
    syscall(SYS_close, fd);
    text[length > 0 ? length : 0] = 0;
    return atol(text);
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    REAL(int, "clock_gettime", clockid_t, struct timespec *);
    int done = real(clock, now);
    if (done == 0 && clock == CLOCK_REALTIME && clock_file) {
        int saved = errno;
        now->tv_sec += clock_offset();
        errno = saved;
    }
    return done;
}
