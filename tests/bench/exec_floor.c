/* The least an exec can take on this machine: what backends/linux does for `docker exec true`, in C alone.
 *
 *     exec_floor PID FILTER TIMES CGROUP-FILE...
 *
 * A resident server with one thread forks into the pid namespace of PID on request; the child joins the cgroups and
 * namespaces, drops Docker's capabilities, sets the filter (a sequence of struct sock_filter) and becomes `true`. Who
 * asks waits for execve, for the end, and for the streams. Prints the median in ns. No trace, no messages, no errors
 * told apart: nothing here is left to be saved but the kernel's own work.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DOCKERS 0xa80425fbUL /* its 14 capabilities */
#define HIGHEST 40           /* the last capability there is */
#define BETWEEN 10000        /* us of rest between two, as in bench_linux.py */
#define DO(call) do { if ((call) < 0) err(1, #call); } while (0)

enum { STDIN, STDOUT, STDERR, GATE, DESCRIPTORS };

static struct sock_filter filter[4096];
static struct sock_fprog program = {0, filter};

static long now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000L + t.tv_nsec;
}

static int ascending(const void *a, const void *b) {
    long x = *(const long *)a, y = *(const long *)b;
    return (x > y) - (x < y);
}

static void become(int container, int *given, char **cgroups) {
    for (; *cgroups; cgroups++) {
        int file = open(*cgroups, O_WRONLY | O_CLOEXEC);
        DO(file);
        DO(write(file, "0", 1));
        close(file);
    }
    DO(setns(container, CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWCGROUP));
    setsid();
    umask(022);
    for (int stream = STDIN; stream <= STDERR; stream++) DO(dup2(given[stream], stream));
    close_range(3, given[GATE] - 1, 0);
    close_range(given[GATE] + 1, ~0U, 0);
    DO(chdir("/"));
    for (int number = 0; number <= HIGHEST; number++)
        if (!(DOCKERS >> number & 1)) DO(prctl(PR_CAPBSET_DROP, number, 0, 0, 0));
    DO(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0));
    DO(fchown(STDOUT, 0, 0));
    DO(fchown(STDERR, 0, 0));
    DO(setgroups(0, NULL));
    DO(setresgid(0, 0, 0));
    DO(setresuid(0, 0, 0));
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct mask[2] = {{DOCKERS, DOCKERS, 0}, {0, 0, 0}};
    DO(syscall(SYS_capset, &header, mask));
    execve("/bin/true", (char *[]){"true", NULL}, (char *[]){"PATH=/bin", "HOME=/root", NULL});
    err(1, "execve");
}

static void serve(int asked, int told, int container, char **cgroups) {
    int home = open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC);
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    for (;;) {
        char text[1], control[CMSG_SPACE(DESCRIPTORS * sizeof(int))];
        struct iovec part = {text, sizeof text};
        struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
        if (recvmsg(asked, &message, MSG_CMSG_CLOEXEC) <= 0) _exit(0);
        int given[DESCRIPTORS];
        memcpy(given, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof given);
        DO(setns(container, CLONE_NEWPID));
        struct clone_args arguments = {.flags = CLONE_PARENT};
        int child = syscall(SYS_clone3, &arguments, sizeof arguments);
        if (child == 0) become(container, given, cgroups);
        DO(child);
        DO(setns(home, CLONE_NEWPID));
        DO(write(told, &child, sizeof child));
        for (int each = 0; each < DESCRIPTORS; each++) close(given[each]);
    }
}

static void one(int ask, int answer, int nothing) {
    int out[2], error[2], gate[2], child;
    DO(pipe2(out, O_CLOEXEC));
    DO(pipe2(error, O_CLOEXEC));
    DO(pipe2(gate, O_CLOEXEC));
    int given[DESCRIPTORS] = {nothing, out[1], error[1], gate[1]};
    char text[64] = "x", control[CMSG_SPACE(sizeof given)];
    struct iovec part = {text, 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
    *rights = (struct cmsghdr){CMSG_LEN(sizeof given), SOL_SOCKET, SCM_RIGHTS};
    memcpy(CMSG_DATA(rights), given, sizeof given);
    DO(sendmsg(ask, &message, 0));
    for (int each = STDOUT; each <= GATE; each++) close(given[each]);
    DO(read(gate[0], text, 1)); /* until execve closes it */
    DO(read(answer, &child, sizeof child));
    int pidfd = syscall(SYS_pidfd_open, child, 0);
    struct pollfd end = {pidfd, POLLIN, 0};
    DO(poll(&end, 1, -1));
    while (read(out[0], text, sizeof text) > 0) {}
    while (read(error[0], text, sizeof text) > 0) {}
    siginfo_t status;
    DO(waitid(P_PIDFD, pidfd, &status, WEXITED));
    if (status.si_status) errx(1, "true ended with %d", status.si_status);
    close(pidfd), close(out[0]), close(error[0]), close(gate[0]);
}

int main(int count, char **arguments) {
    if (count < 4) errx(2, "PID FILTER TIMES CGROUP-FILE...");
    int file = open(arguments[2], O_RDONLY | O_CLOEXEC), times = atoi(arguments[3]);
    program.len = read(file, filter, sizeof filter) / sizeof *filter;
    int container = syscall(SYS_pidfd_open, atoi(arguments[1]), 0), way[2], back[2];
    DO(container);
    DO(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, way));
    DO(pipe(back));
    if (fork() == 0) {
        close(way[0]);
        serve(way[1], back[1], container, arguments + 4);
    }
    close(way[1]);
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    long *took = calloc(times, sizeof *took);
    for (int number = 0; number < times; number++) {
        usleep(BETWEEN);
        long begun = now();
        one(way[0], back[0], nothing);
        took[number] = now() - begun;
    }
    qsort(took, times, sizeof *took, ascending);
    printf("%ld\n", took[times / 2]);
    return 0;
}
