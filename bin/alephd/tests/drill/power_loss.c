/*
 * A disk that loses its power, for programs that are killed.
 *
 * After SIGKILL everything that a process ever wrote is still there: the kernel has it. To find
 * out what a loss of power would leave, this library is loaded into the process (LD_PRELOAD) and
 * keeps, beside the real folder POWER_LOSS_DISK, a second one, POWER_LOSS_SHADOW, with only what
 * the process was promised:
 *
 *   files/INODE       the bytes of a file as of its last fsync or fdatasync
 *   dirs/INODE/NAME   the entries of a folder as of its last fsync: a hard link to files/INODE for
 *                     a file, a symbolic link with the inode as its text for a folder
 *   held/INODE        another name, given before the start, of each file that was there then: the
 *                     inode of a removed file is not given to a new one
 *
 * That is what POSIX promises and not more: the entry of a new, renamed or removed file is lost
 * unless its folder was synced, however well its bytes were. There is no promise between: a
 * process that is killed during fsync leaves a part of it, and entries of one folder change one
 * by one, new ones first. Entries and bytes are kept by inode, so renames, hard links and removals
 * need no attention of their own.
 *
 * Assumed: folders are not renamed; files are written by the calls below, not through memory maps
 * (names that end in -shm are: the index of the write-ahead log, which SQLite makes anew after a
 * crash, and which is left out); the process is linked with the C library dynamically.
 *
 * POWER_LOSS_IGNORE is for proving that a drill can fail: with `all` no sync has an effect, with
 * `folders` none of a folder. Each returns success.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define BUCKETS 1024
#define BLOCK (1 << 16)

struct range {
    off_t from, to;
};

/* A file that was opened for writing. It is never closed: closing any descriptor of a file ends
 * the locks that SQLite has on it, and an open file keeps its inode from being used again. */
struct file {
    ino_t inode;
    int reader;
    int whole; /* truncated or written in a way that gives no range */
    size_t count, room;
    struct range *dirty;
    struct file *next;
};

static char disk[PATH_MAX], shadow[PATH_MAX];
static size_t disk_length; /* 0: this process is not watched */
static int ignores_files, ignores_folders;
static struct file *files[BUCKETS];
static pthread_mutex_t table = PTHREAD_MUTEX_INITIALIZER;
/* Held while anything is copied: a second sync of a file must not return before the first. */
static pthread_mutex_t syncing = PTHREAD_MUTEX_INITIALIZER;

/* A drill on a broken disk proves nothing. */
static void fail(const char *what, const char *path) {
    fprintf(stderr, "power_loss: cannot %s %s: %s\n", what, path, strerror(errno));
    abort();
}

__attribute__((constructor)) static void start(void) {
    const char *folder = getenv("POWER_LOSS_DISK"), *beside = getenv("POWER_LOSS_SHADOW");
    const char *ignore = getenv("POWER_LOSS_IGNORE");
    if (!folder || !beside) return;
    if (!realpath(folder, disk)) fail("find", folder);
    if (!realpath(beside, shadow)) fail("find", beside);
    ignores_files = ignore && strcmp(ignore, "all") == 0;
    ignores_folders = ignore && (ignores_files || strcmp(ignore, "folders") == 0);
    disk_length = strlen(disk);
}

static int is_volatile(const char *name) {
    size_t length = strlen(name);
    return length >= 4 && strcmp(name + length - 4, "-shm") == 0;
}

/* The path of a descriptor, if it is the disk or below it. */
static int is_watched(int fd, char path[PATH_MAX]) {
    char link[64];
    if (!disk_length) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return strncmp(path, disk, disk_length) == 0 && (path[disk_length] == '/' || path[disk_length] == 0) &&
           !is_volatile(path);
}

/* With the table locked. */
static struct file *find(ino_t inode) {
    struct file *file = files[inode % BUCKETS];
    while (file && file->inode != inode) file = file->next;
    return file;
}

/* Begins to watch a file, if it is one of the disk. */
static void watch(int fd, int truncated) {
    char path[PATH_MAX], link[64];
    struct stat stat;
    int before = errno;
    if (is_watched(fd, path) && fstat(fd, &stat) == 0 && S_ISREG(stat.st_mode)) {
        pthread_mutex_lock(&table);
        struct file *file = find(stat.st_ino);
        if (!file) {
            file = calloc(1, sizeof *file);
            if (!file) fail("remember", path);
            snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
            file->inode = stat.st_ino;
            file->reader = syscall(SYS_openat, AT_FDCWD, link, O_RDONLY | O_CLOEXEC, 0);
            if (file->reader < 0) fail("read", path);
            file->next = files[stat.st_ino % BUCKETS];
            files[stat.st_ino % BUCKETS] = file;
        }
        file->whole |= truncated;
        pthread_mutex_unlock(&table);
    }
    errno = before;
}

static struct file *watched(int fd) {
    struct stat stat;
    if (!disk_length || fstat(fd, &stat) != 0 || !S_ISREG(stat.st_mode)) return NULL;
    return find(stat.st_ino);
}

/* Notes what was written, after it was: noted before, a sync between would copy the old bytes and
 * forget the new ones. `from` below zero means: up to where the descriptor stands now. */
static void wrote(int fd, off_t from, ssize_t length) {
    int before = errno;
    if (length > 0 && disk_length) {
        pthread_mutex_lock(&table);
        struct file *file = watched(fd);
        if (file) {
            if (from < 0) from = lseek(fd, 0, SEEK_CUR) - length;
            struct range *last = file->count ? &file->dirty[file->count - 1] : NULL;
            if (last && last->to == from) {
                last->to = from + length;
            } else {
                if (file->count == file->room) {
                    file->room = file->room ? 2 * file->room : 64;
                    file->dirty = realloc(file->dirty, file->room * sizeof *file->dirty);
                    if (!file->dirty) fail("remember", "a write");
                }
                file->dirty[file->count++] = (struct range){from, from + length};
            }
        }
        pthread_mutex_unlock(&table);
    }
    errno = before;
}

static void changed(int fd, int result) {
    int before = errno;
    if (result >= 0 && disk_length) {
        pthread_mutex_lock(&table);
        struct file *file = watched(fd);
        if (file) file->whole = 1;
        pthread_mutex_unlock(&table);
    }
    errno = before;
}

static void copy(struct file *file, int to, struct range range) {
    static char block[BLOCK]; /* guarded by `syncing` */
    while (range.from < range.to) {
        size_t wanted = range.to - range.from < BLOCK ? range.to - range.from : BLOCK;
        ssize_t got = pread(file->reader, block, wanted, range.from);
        if (got < 0) fail("read", "a file of the disk");
        if (got == 0) return; /* truncated since, which is for the next sync */
        if (syscall(SYS_pwrite64, to, block, got, range.from) != got) fail("write", shadow);
        range.from += got;
    }
}

static void sync_file(struct file *file) {
    char path[PATH_MAX + 64];
    struct stat stat;
    pthread_mutex_lock(&table);
    struct range *dirty = file->dirty;
    size_t count = file->count;
    int whole = file->whole;
    file->dirty = NULL;
    file->count = file->room = 0;
    file->whole = 0;
    pthread_mutex_unlock(&table);
    snprintf(path, sizeof path, "%s/files/%lu", shadow, (unsigned long)file->inode);
    int to = syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (to < 0) fail("write", path);
    if (whole) {
        if (fstat(file->reader, &stat) != 0) fail("read", path);
        copy(file, to, (struct range){0, stat.st_size});
        if (syscall(SYS_ftruncate, to, stat.st_size) != 0) fail("shorten", path);
    } else {
        for (size_t i = 0; i < count; i++) copy(file, to, dirty[i]);
    }
    syscall(SYS_close, to);
    free(dirty);
}

/* Makes dirs/FOLDER/NAME lead to what the disk has there. */
static void put_entry(int fd, const char *folder, const char *name) {
    char target[PATH_MAX + 64], text[32], known[32], new[PATH_MAX + 64], entry[PATH_MAX + 512];
    struct stat stat, there;
    if (fstatat(fd, name, &stat, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT) return; /* gone since */
        fail("look at", name);
    }
    snprintf(entry, sizeof entry, "%s/%s", folder, name);
    snprintf(new, sizeof new, "%s/new", shadow);
    snprintf(text, sizeof text, "%lu", (unsigned long)stat.st_ino);
    unlink(new);
    if (S_ISDIR(stat.st_mode)) {
        ssize_t length = readlink(entry, known, sizeof known - 1);
        if (length > 0 && (known[length] = 0, strcmp(known, text) == 0)) return;
        snprintf(target, sizeof target, "%s/dirs/%s", shadow, text);
        if (mkdir(target, 0700) != 0 && errno != EEXIST) fail("make", target);
        if (symlink(text, new) != 0) fail("link", new);
    } else {
        snprintf(target, sizeof target, "%s/files/%s", shadow, text);
        if (access(target, F_OK) != 0) {
            /* An entry without bytes: the file was never synced. Watched, so that the inode stays. */
            int file = openat(fd, name, O_RDONLY | O_CLOEXEC);
            if (file < 0) return;
            watch(file, 0);
            int empty = syscall(SYS_openat, AT_FDCWD, target, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
            if (empty < 0) fail("make", target);
            syscall(SYS_close, empty);
        }
        if (lstat(entry, &there) == 0) {
            struct stat bytes;
            if (lstat(target, &bytes) == 0 && bytes.st_ino == there.st_ino) return;
        }
        if (link(target, new) != 0) fail("link", new);
    }
    if (rename(new, entry) != 0) fail("rename to", entry);
}

static void sync_folder(int fd) {
    char folder[PATH_MAX + 64];
    struct stat stat;
    struct dirent *found;
    if (fstat(fd, &stat) != 0) fail("look at", "a folder");
    snprintf(folder, sizeof folder, "%s/dirs/%lu", shadow, (unsigned long)stat.st_ino);
    if (mkdir(folder, 0700) != 0 && errno != EEXIST) fail("make", folder);
    int again = syscall(SYS_openat, fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    DIR *entries = again < 0 ? NULL : fdopendir(again);
    if (!entries) fail("read", folder);
    while ((found = readdir(entries))) {
        if (strcmp(found->d_name, ".") && strcmp(found->d_name, "..") && !is_volatile(found->d_name))
            put_entry(fd, folder, found->d_name);
    }
    closedir(entries);
    entries = opendir(folder);
    if (!entries) fail("read", folder);
    while ((found = readdir(entries))) {
        if (strcmp(found->d_name, ".") && strcmp(found->d_name, "..") &&
            fstatat(fd, found->d_name, &stat, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT)
            if (unlinkat(dirfd(entries), found->d_name, 0) != 0) fail("remove", found->d_name);
    }
    closedir(entries);
}

/* The real call would only cost time: the machine keeps its power. */
static int sync_any(int fd, int real) {
    char path[PATH_MAX];
    struct stat stat;
    if (!is_watched(fd, path)) return syscall(real, fd);
    if (fstat(fd, &stat) != 0) return -1;
    pthread_mutex_lock(&syncing);
    if (S_ISDIR(stat.st_mode)) {
        if (!ignores_folders) sync_folder(fd);
    } else if (!ignores_files) {
        pthread_mutex_lock(&table);
        struct file *file = find(stat.st_ino);
        pthread_mutex_unlock(&table);
        /* Otherwise nobody has written to it since the start. */
        if (file) sync_file(file);
    }
    pthread_mutex_unlock(&syncing);
    return 0;
}

int fsync(int fd) { return sync_any(fd, SYS_fsync); }
int fdatasync(int fd) { return sync_any(fd, SYS_fdatasync); }

static int open_any(int folder, const char *path, int flags, mode_t mode) {
    int fd = syscall(SYS_openat, folder, path, flags, mode);
    if (fd >= 0 && disk_length && (flags & O_ACCMODE) != O_RDONLY) watch(fd, flags & O_TRUNC);
    return fd;
}

#define MODE(last)                                          \
    mode_t mode = 0;                                        \
    if ((flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE) { \
        va_list rest;                                       \
        va_start(rest, last);                               \
        mode = va_arg(rest, mode_t);                        \
        va_end(rest);                                       \
    }

int open(const char *path, int flags, ...) { MODE(flags) return open_any(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE(flags) return open_any(AT_FDCWD, path, flags, mode); }
int openat(int folder, const char *path, int flags, ...) { MODE(flags) return open_any(folder, path, flags, mode); }
int openat64(int folder, const char *path, int flags, ...) { MODE(flags) return open_any(folder, path, flags, mode); }
int creat(const char *path, mode_t mode) { return open_any(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }
int creat64(const char *path, mode_t mode) { return open_any(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }

ssize_t write(int fd, const void *bytes, size_t length) {
    ssize_t done = syscall(SYS_write, fd, bytes, length);
    wrote(fd, -1, done);
    return done;
}
ssize_t writev(int fd, const struct iovec *parts, int count) {
    ssize_t done = syscall(SYS_writev, fd, parts, count);
    wrote(fd, -1, done);
    return done;
}
ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t from) {
    ssize_t done = syscall(SYS_pwrite64, fd, bytes, length, from);
    wrote(fd, from, done);
    return done;
}
ssize_t pwrite(int fd, const void *bytes, size_t length, off_t from) { return pwrite64(fd, bytes, length, from); }
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t from) {
    ssize_t done = syscall(SYS_pwritev, fd, parts, count, (unsigned long)from, 0UL);
    wrote(fd, from, done);
    return done;
}
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t from) { return pwritev64(fd, parts, count, from); }
int ftruncate64(int fd, off64_t length) {
    int result = syscall(SYS_ftruncate, fd, length);
    changed(fd, result);
    return result;
}
int ftruncate(int fd, off_t length) { return ftruncate64(fd, length); }
int fallocate64(int fd, int mode, off64_t from, off64_t length) {
    int result = syscall(SYS_fallocate, fd, mode, from, length);
    changed(fd, result);
    return result;
}
int fallocate(int fd, int mode, off_t from, off_t length) { return fallocate64(fd, mode, from, length); }
int posix_fallocate64(int fd, off64_t from, off64_t length) { return fallocate64(fd, 0, from, length) ? errno : 0; }
int posix_fallocate(int fd, off_t from, off_t length) { return posix_fallocate64(fd, from, length); }
ssize_t copy_file_range(int in, off64_t *in_from, int out, off64_t *out_from, size_t length, unsigned flags) {
    ssize_t done = syscall(SYS_copy_file_range, in, in_from, out, out_from, length, flags);
    changed(out, done > 0 ? 0 : -1);
    return done;
}
ssize_t sendfile64(int out, int in, off64_t *from, size_t length) {
    ssize_t done = syscall(SYS_sendfile, out, in, from, length);
    changed(out, done > 0 ? 0 : -1);
    return done;
}
ssize_t sendfile(int out, int in, off_t *from, size_t length) { return sendfile64(out, in, from, length); }
