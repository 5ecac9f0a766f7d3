/*
 * A clock that a test moves, for programs that keep things for days.
 *
 * Loaded into the process (LD_PRELOAD). The file DRILL_CLOCK holds two numbers of nanoseconds, each
 * a signed integer of 64 bits, which the test may change at any time:
 *
 *   0   added to calendar time, for every thread
 *   1   added to monotonic time, for the thread called `engine` alone: the one that measures by it
 *       how long ago it did its periodic work
 *
 * No other thread's monotonic time is touched, so timeouts of connections are what they are. A
 * thread that waits with a deadline of its shifted time would wait for the shift as well; so the
 * deadline is shifted back where it is given to the kernel. A wait that is under way when the test
 * moves the clock ends when it would have ended: give the thread something to do.
 *
 * Assumed: the process is linked with the C library dynamically and waits by futex(2) through
 * syscall(3), as the standard library of Rust does on Linux.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000LL

static volatile int64_t *offsets; /* none: this process has the time of the machine */
static int (*real_gettime)(clockid_t, struct timespec *);
static long (*real_syscall)(long, ...);

/* A drill on a clock that stands still proves nothing. */
static void fail(const char *what) {
    perror(what);
    abort();
}

__attribute__((constructor)) static void start(void) {
    real_gettime = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    real_syscall = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
    const char *path = getenv("DRILL_CLOCK");
    if (!path) return;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) fail("clock: open");
    void *map = mmap(NULL, 16, PROT_READ, MAP_SHARED, file, 0);
    if (map == MAP_FAILED) fail("clock: map");
    close(file);
    offsets = map;
}

/* Threads are named before they do anything. */
static int is_engine(void) {
    static __thread int known; /* 0: not asked yet, 1: no, 2: yes */
    if (!known) {
        char name[17] = {0};
        prctl(PR_GET_NAME, name);
        known = 1 + (strcmp(name, "engine") == 0);
    }
    return known == 2;
}

static void shift(struct timespec *time, int64_t by) {
    int64_t nanoseconds = time->tv_nsec + by % SECOND;
    time->tv_sec += by / SECOND;
    if (nanoseconds < 0) {
        nanoseconds += SECOND;
        time->tv_sec--;
    } else if (nanoseconds >= SECOND) {
        nanoseconds -= SECOND;
        time->tv_sec++;
    }
    time->tv_nsec = nanoseconds;
}

int clock_gettime(clockid_t id, struct timespec *time) {
    if (!real_gettime) return (int)syscall(SYS_clock_gettime, id, time);
    int result = real_gettime(id, time);
    if (result != 0 || !offsets) return result;
    if (id == CLOCK_REALTIME) shift(time, offsets[0]);
    if (id == CLOCK_MONOTONIC && is_engine()) shift(time, offsets[1]);
    return result;
}

long syscall(long number, ...) {
    long a[6];
    va_list list;
    va_start(list, number);
    for (int i = 0; i < 6; i++) a[i] = va_arg(list, long);
    va_end(list);
    if (!real_syscall) real_syscall = (long (*)(long, ...))dlsym(RTLD_NEXT, "syscall");
    struct timespec deadline;
    int waits = number == SYS_futex && (a[1] & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET &&
                !(a[1] & FUTEX_CLOCK_REALTIME) && a[3];
    if (waits && offsets && is_engine()) {
        deadline = *(struct timespec *)a[3];
        shift(&deadline, -offsets[1]);
        if (deadline.tv_sec < 0) deadline.tv_sec = deadline.tv_nsec = 0;
        a[3] = (long)&deadline;
    }
    return real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
