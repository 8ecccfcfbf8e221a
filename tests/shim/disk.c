/* A disk between a process and its files, for LD_PRELOAD.
 *
 * Whatever changes a file under DISK_FOLDER is performed and written into DISK_TRACE, in one order for
 * all threads; an fsync is only written down. So a test knows after the end of the process which changes
 * a power cut could have taken back (tests/src/disk.rs). DISK_CONTROL is a file of 64-bit numbers, shared
 * with the test while the process runs: the count of changes so far; the change at which power fails (the
 * process ends by SIGKILL, the change is not made); the first change that is refused, the first that is
 * not refused any more, and with which errno. -shm files are memory, so they are refused but not traced.
 *
 * Calls go to the kernel directly: nothing of the C library's own is needed, so nothing can call back.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum operation { CREATE = 1, WRITE, TRUNCATE, UNLINK, RENAME, LINK, SYNC, SYNC_FAILED };
enum control { COUNT, CUT_AT, REFUSE_FROM, REFUSE_UNTIL, REFUSE_ERRNO, CONTROLS };

struct record {
    uint32_t operation;
    uint32_t name_bytes;
    uint64_t offset;
    uint64_t bytes;
};

#define DESCRIPTORS 4096
#define NAME_MAX_BYTES 256

static pthread_mutex_t disk = PTHREAD_MUTEX_INITIALIZER;
static const char *folder;
static size_t folder_bytes;
static int trace = -1;
static volatile uint64_t *control;
/* The name behind a descriptor, relative to the folder; the folder itself is "". */
static char names[DESCRIPTORS][NAME_MAX_BYTES];
static volatile char is_ours[DESCRIPTORS];

__attribute__((constructor)) static void begin(void) {
    const char *trace_path = getenv("DISK_TRACE"), *control_path = getenv("DISK_CONTROL");
    folder = getenv("DISK_FOLDER");
    if (!folder || !trace_path || !control_path) {
        folder = NULL;
        return;
    }
    folder_bytes = strlen(folder);
    trace = (int)syscall(SYS_openat, AT_FDCWD, trace_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    int shared = (int)syscall(SYS_openat, AT_FDCWD, control_path, O_RDWR | O_CLOEXEC, 0);
    void *mapped = mmap(NULL, CONTROLS * sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, shared, 0);
    if (trace < 0 || mapped == MAP_FAILED)
        _exit(99);
    control = mapped;
}

/* The part of a path below the folder, "" for the folder itself, NULL for a path elsewhere. */
static const char *below(const char *path) {
    if (!folder || strncmp(path, folder, folder_bytes) != 0)
        return NULL;
    if (path[folder_bytes] == '\0')
        return "";
    return path[folder_bytes] == '/' ? path + folder_bytes + 1 : NULL;
}

static int ours(int descriptor) {
    return descriptor >= 0 && descriptor < DESCRIPTORS && is_ours[descriptor];
}

static int is_memory(const char *name) {
    size_t bytes = strlen(name);
    return bytes > 4 && strcmp(name + bytes - 4, "-shm") == 0;
}

/* Counts a change; does not return if power fails at it; the errno to refuse it with, or 0. */
static int step(enum operation operation) {
    uint64_t count = ++control[COUNT];
    if (control[CUT_AT] && count >= control[CUT_AT])
        for (;;)
            kill(getpid(), SIGKILL);
    if (count < control[REFUSE_FROM] || count >= control[REFUSE_UNTIL])
        return 0;
    int refusal = (int)control[REFUSE_ERRNO];
    /* A full disk still syncs, shrinks and deletes. */
    return refusal == ENOSPC && operation != WRITE && operation != CREATE ? 0 : refusal;
}

static void note(enum operation operation, const char *name, uint64_t offset, const void *data, uint64_t bytes) {
    if (is_memory(name))
        return;
    struct record record = {operation, (uint32_t)strlen(name), offset, bytes};
    struct iovec parts[] = {
        {&record, sizeof record},
        {(void *)name, record.name_bytes},
        {(void *)data, data ? bytes : 0},
    };
    long expected = (long)(sizeof record + record.name_bytes + parts[2].iov_len);
    if (syscall(SYS_writev, trace, parts, 3) != expected)
        _exit(99);
}

static int open_traced(const char *path, int flags, mode_t mode) {
    const char *name = below(path);
    if (!name || strlen(name) >= NAME_MAX_BYTES)
        return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    pthread_mutex_lock(&disk);
    int is_new = flags & O_CREAT && syscall(SYS_faccessat, AT_FDCWD, path, F_OK) != 0;
    int refusal = is_new ? step(CREATE) : 0;
    int opened = refusal ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
    int problem = refusal ? refusal : errno;
    if (opened >= DESCRIPTORS)
        _exit(99);
    if (opened >= 0) {
        strcpy(names[opened], name);
        is_ours[opened] = 1;
        if (is_new)
            note(CREATE, name, 0, NULL, 0);
        else if (flags & O_TRUNC)
            note(TRUNCATE, name, 0, NULL, 0);
    }
    pthread_mutex_unlock(&disk);
    errno = problem;
    return opened;
}

static mode_t mode_of(int flags, va_list rest) {
    return flags & (O_CREAT | O_TMPFILE) ? (mode_t)va_arg(rest, int) : 0;
}

#define OPEN(symbol)                                                                                        \
    int symbol(const char *path, int flags, ...) {                                                          \
        va_list rest;                                                                                       \
        va_start(rest, flags);                                                                              \
        mode_t mode = mode_of(flags, rest);                                                                 \
        va_end(rest);                                                                                       \
        return open_traced(path, flags, mode);                                                              \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(symbol)                                                                                      \
    int symbol(int at, const char *path, int flags, ...) {                                                  \
        va_list rest;                                                                                       \
        va_start(rest, flags);                                                                              \
        mode_t mode = mode_of(flags, rest);                                                                 \
        va_end(rest);                                                                                       \
        return below(path) ? open_traced(path, flags, mode) : (int)syscall(SYS_openat, at, path, flags, mode); \
    }
OPENAT(openat)
OPENAT(openat64)

int close(int descriptor) {
    if (!ours(descriptor))
        return (int)syscall(SYS_close, descriptor);
    pthread_mutex_lock(&disk);
    is_ours[descriptor] = 0;
    int result = (int)syscall(SYS_close, descriptor);
    pthread_mutex_unlock(&disk);
    return result;
}

/* Ends a change: performed with `result`, or refused with `refusal`. */
static long done(int refusal, long result) {
    int problem = refusal ? refusal : errno;
    pthread_mutex_unlock(&disk);
    errno = problem;
    return refusal ? -1 : result;
}

static ssize_t write_at(int descriptor, const void *data, size_t bytes, off_t offset) {
    pthread_mutex_lock(&disk);
    int refusal = step(WRITE);
    long written = refusal ? -1 : syscall(SYS_pwrite64, descriptor, data, bytes, offset);
    if (written > 0)
        note(WRITE, names[descriptor], (uint64_t)offset, data, (uint64_t)written);
    return done(refusal, written);
}

ssize_t pwrite(int descriptor, const void *data, size_t bytes, off_t offset) {
    return ours(descriptor) ? write_at(descriptor, data, bytes, offset)
                            : syscall(SYS_pwrite64, descriptor, data, bytes, offset);
}

ssize_t pwrite64(int descriptor, const void *data, size_t bytes, off64_t offset) {
    return pwrite(descriptor, data, bytes, offset);
}

ssize_t write(int descriptor, const void *data, size_t bytes) {
    if (!ours(descriptor))
        return syscall(SYS_write, descriptor, data, bytes);
    pthread_mutex_lock(&disk);
    int refusal = step(WRITE);
    long written = refusal ? -1 : syscall(SYS_write, descriptor, data, bytes);
    if (written > 0) {
        /* The position stands behind what was written, also where it was appended. */
        off_t end = syscall(SYS_lseek, descriptor, 0, SEEK_CUR);
        note(WRITE, names[descriptor], (uint64_t)(end - written), data, (uint64_t)written);
    }
    return done(refusal, written);
}

int ftruncate(int descriptor, off_t bytes) {
    if (!ours(descriptor))
        return (int)syscall(SYS_ftruncate, descriptor, bytes);
    pthread_mutex_lock(&disk);
    int refusal = step(TRUNCATE);
    long result = refusal ? -1 : syscall(SYS_ftruncate, descriptor, bytes);
    if (result == 0)
        note(TRUNCATE, names[descriptor], (uint64_t)bytes, NULL, 0);
    return (int)done(refusal, result);
}

int ftruncate64(int descriptor, off64_t bytes) { return ftruncate(descriptor, bytes); }

int fsync(int descriptor) {
    if (!ours(descriptor))
        return (int)syscall(SYS_fsync, descriptor);
    pthread_mutex_lock(&disk);
    int refusal = step(SYNC);
    note(refusal ? SYNC_FAILED : SYNC, names[descriptor], 0, NULL, 0);
    return (int)done(refusal, 0);
}

int fdatasync(int descriptor) {
    return ours(descriptor) ? fsync(descriptor) : (int)syscall(SYS_fdatasync, descriptor);
}

int unlink(const char *path) {
    const char *name = below(path);
    if (!name)
        return (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    pthread_mutex_lock(&disk);
    int refusal = step(UNLINK);
    long result = refusal ? -1 : syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    if (result == 0)
        note(UNLINK, name, 0, NULL, 0);
    return (int)done(refusal, result);
}

/* A second name, in place of the first one or beside it; both below the folder. */
static int name_again(enum operation operation, const char *from, const char *to) {
    pthread_mutex_lock(&disk);
    int refusal = step(operation);
    long result = -1;
    if (!refusal)
        result = operation == RENAME ? syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0)
                                     : syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
    if (result == 0)
        note(operation, below(from), 0, below(to), strlen(below(to)));
    return (int)done(refusal, result);
}

int rename(const char *from, const char *to) {
    if (below(from) && below(to))
        return name_again(RENAME, from, to);
    return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int link(const char *from, const char *to) {
    if (below(from) && below(to))
        return name_again(LINK, from, to);
    return (int)syscall(SYS_linkat, AT_FDCWD, from, AT_FDCWD, to, 0);
}

int linkat(int from_at, const char *from, int to_at, const char *to, int flags) {
    if (below(from) && below(to))
        return name_again(LINK, from, to);
    return (int)syscall(SYS_linkat, from_at, from, to_at, to, flags);
}
