/* Preloaded under a server: what it does to force files to the disk is ignored, or fails now and then.
 *
 *   TT_SYNCS=ignored       nothing is forced, and every call says that it was
 *   TT_SYNCS=failing       while the file that TT_SYNCS_FAIL names is there, the share of calls that it holds (a number
 *                          from 0 to 1) fail with EIO and force nothing
 *
 * Each failure is a line in the file that TT_SYNCS_LOG names. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int ignored(void) {
    const char *mode = getenv("TT_SYNCS");
    return mode && strcmp(mode, "ignored") == 0;
}

/* The share of calls that fail now. */
static double share(void) {
    const char *path = getenv("TT_SYNCS_FAIL");
    char text[32] = "";
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return 0;
    ssize_t length = read(file, text, sizeof text - 1);
    close(file);
    return length > 0 ? atof(text) : 0;
}

static void note(const char *call, int file) {
    const char *path = getenv("TT_SYNCS_LOG");
    char link[64], name[4096], line[4200];
    if (!path) return;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, name, sizeof name - 1);
    name[length > 0 ? length : 0] = 0;
    int log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (log < 0) return;
    length = snprintf(line, sizeof line, "%s %s\n", call, name);
    if (write(log, line, length) < 0) { /* Nobody to tell. */ }
    close(log);
}

static int force(const char *call, int file) {
    static __thread unsigned int seed;
    if (ignored()) return 0;
    double failing = share();
    if (failing > 0) {
        if (!seed) seed = (unsigned int)(size_t)&seed ^ (unsigned int)getpid();
        if (rand_r(&seed) < failing * RAND_MAX) {
            note(call, file);
            errno = EIO;
            return -1;
        }
    }
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, call);
    return real(file);
}

int fsync(int file) { return force("fsync", file); }
int fdatasync(int file) { return force("fdatasync", file); }
