"""The union mount and the mounts over it, seen by a process of a container."""

import errno

import pytest

from simdocker.backends.ports import MountPoint
from simdocker.content.changeset import filler, fingerprint, put, symlink
from tests.sim.bare import Bare, busybox_tree


@pytest.fixture
def bare():
    return Bare({"/layer/deep/file": "below", "/layer/other": "x"})


@pytest.fixture
def p(bare):
    return bare.start(["sleep", "1000"])[0].process


def changes(bare):
    return [(change.kind, change.path) for change in bare.machine.storage.changes("bare")]


def fails(number, call, *args):
    with pytest.raises(OSError) as caught:
        call(*args)
    assert caught.value.errno == number, caught.value


def test_a_fresh_container_has_changed_nothing(bare, p):
    p.read_file("/etc/hosts")
    p.listdir("/proc")
    assert changes(bare) == []


def test_writing_copies_a_file_up_and_leaves_the_layer_alone(bare, p):
    before = fingerprint(busybox_tree())
    p.write_file("/etc/passwd", "changed\n", append=True)
    assert p.read_file("/etc/passwd").endswith(b"changed\n")
    assert fingerprint(busybox_tree()) == before
    assert changes(bare) == [(0, "/etc"), (0, "/etc/passwd")]


def test_another_container_of_the_image_sees_none_of_it(bare, p):
    p.write_file("/layer/deep/file", "above")
    assert Bare({"/layer/deep/file": "below"}).run(["cat", "/layer/deep/file"]).stdout == b"below"


def test_a_removed_file_is_whited_out_until_made_again(bare, p):
    p.unlink("/layer/other")
    assert p.listdir("/layer") == ["deep"]
    assert changes(bare) == [(0, "/layer"), (2, "/layer/other")]
    p.write_file("/layer/other", "new")
    assert (0, "/layer/other") in changes(bare)


def test_a_directory_made_over_a_removed_one_is_empty(bare, p):
    p.unlink("/layer/deep/file")
    p.rmdir("/layer/deep")
    p.mkdir("/layer/deep")
    assert p.listdir("/layer/deep") == []
    assert changes(bare) == [(0, "/layer"), (0, "/layer/deep"), (2, "/layer/deep/file")]


def test_a_directory_of_a_lower_layer_cannot_be_renamed(p):
    fails(errno.EXDEV, p.rename, "/layer", "/moved")
    p.mkdir("/own")
    p.rename("/own", "/moved")
    assert p.stat("/moved").st_nlink == 2


def test_a_merged_directory_shows_one_link_and_a_plain_one_two(p):
    # seen on Docker 20.10: ls -ld / /etc /home in a busybox container
    assert [p.stat(path).st_nlink for path in ("/", "/etc", "/home", "/usr")] == [1, 1, 2, 4]


def test_hard_links_share_what_is_written(p):
    p.write_file("/a", "1")
    p.link("/a", "/b")
    p.write_file("/b", "2", append=True)
    p.unlink("/a")
    assert (p.read_file("/b"), p.stat("/b").st_nlink) == (b"12", 1)


def test_a_filler_reads_as_zeros_of_its_size():
    bare = Bare()
    put(bare.machine.host.mounts.root.upper, "/srv/big", filler(10_000_000))
    process = bare.start(["sleep", "9"], mounts=[MountPoint("bind", "/srv", "/mnt")])[0].process
    assert process.stat("/mnt/big").st_blocks == 19536
    opened = process.open("/mnt/big")
    assert opened.take(4) == bytes(4)


@pytest.mark.parametrize(
    ("number", "call", "args"),
    [
        (errno.ENOENT, "stat", ["/nope"]),
        (errno.ENOTDIR, "stat", ["/etc/passwd/x"]),
        (errno.ENOTDIR, "listdir", ["/etc/passwd"]),
        (errno.EISDIR, "open", ["/etc", "w"]),
        (errno.EISDIR, "unlink", ["/etc"]),
        (errno.EEXIST, "mkdir", ["/etc"]),
        (errno.EEXIST, "open", ["/etc/passwd", "x"]),
        (errno.ENOTEMPTY, "rmdir", ["/etc"]),
        (errno.EBUSY, "unlink", ["/etc/hosts"]),
        (errno.EBUSY, "rename", ["/etc/hosts", "/x"]),
        (errno.EBUSY, "rmdir", ["/dev/shm"]),
        (errno.EXDEV, "link", ["/etc/hosts", "/x"]),
        (errno.EXDEV, "rename", ["/etc/passwd", "/dev/shm/x"]),
        (errno.EROFS, "mkdir", ["/sys/x"]),
        (errno.EROFS, "open", ["/proc/sys/kernel/hostname", "w"]),
        (errno.ENOENT, "mkdir", ["/proc/x"]),
        (errno.EPERM, "unlink", ["/proc/version"]),
        (errno.EINVAL, "rename", ["/home", "/home/x"]),
        (errno.ENXIO, "open", ["/dev/tty"]),
        (errno.ENAMETOOLONG, "stat", ["/" + "n" * 256]),
    ],
)
def test_a_call_fails_with_linuxs_errno(p, number, call, args):
    fails(number, getattr(p, call), *args)


def test_links_that_lead_in_a_circle_are_too_many(p):
    p.symlink("/b", "/a")
    p.symlink("/a", "/b")
    fails(errno.ELOOP, p.stat, "/a")
    assert p.readlink("/a") == "/b"


def test_a_lookup_that_was_remembered_for_an_image_is_forgotten_where_a_container_changed_it(p):
    assert p.namespace.peek("/bin/cat") is not None
    p.unlink("/bin/cat")
    assert p.namespace.peek("/bin/cat") is None


def test_a_remembered_lookup_does_not_follow_a_link_out_of_what_was_checked():
    tree_files = {"/real/tool": "1"}
    bare = Bare(tree_files)
    put(bare.machine.storage._chains["files"].layers[0], "/alias/tool", symlink("/real/tool"))
    process = bare.start(["sleep", "9"])[0].process
    assert process.namespace.peek("/alias/tool").data == b"1"
    process.write_file("/real/tool", "2")
    assert process.namespace.peek("/alias/tool").data == b"2"


def test_a_user_may_only_what_modes_allow():
    process = Bare().start(["sleep", "9"], user="1234")[0].process
    fails(errno.EACCES, process.open, "/x", "w")
    fails(errno.EACCES, process.listdir, "/root")
    fails(errno.EACCES, process.unlink, "/etc/passwd")
    fails(errno.EPERM, process.chmod, "/tmp", 0o777)
    process.write_file("/tmp/mine", "")
    assert process.stat("/tmp/mine").st_uid == 1234


def test_a_read_only_root_refuses_all_but_the_kernels_own_filesystems():
    process = Bare().start(["sleep", "9"], read_only=True)[0].process
    for path in ("/x", "/tmp/x", "/etc/hosts"):
        fails(errno.EROFS, process.open, path, "w")
    process.write_file("/dev/shm/x", "fits")
    fails(errno.EROFS, process.unlink, "/etc/hosts")


def test_a_tmpfs_holds_no_more_than_its_size():
    mount = MountPoint("tmpfs", "", "/t", options="size=1k,mode=700")
    process = Bare().start(["sleep", "9"], mounts=[mount])[0].process
    fails(errno.ENOSPC, process.write_file, "/t/big", b"x" * 2000)
    assert process.stat("/t/big").st_size == 1024
    assert process.stat("/t").st_mode & 0o7777 == 0o700


def test_a_mount_target_the_image_lacks_is_made_in_the_containers_layer():
    bare = Bare()
    bare.machine.place_file("/srv/note", "kept")
    mounts = [MountPoint("bind", "/srv", "/a/b"), MountPoint("bind", "/srv/note", "/c/note", read_only=True)]
    process = bare.start(["sleep", "9"], mounts=mounts)[0].process
    assert process.read_file("/c/note") == b"kept"
    fails(errno.EROFS, process.open, "/c/note", "w")
    process.write_file("/a/b/new", "from inside")
    assert bare.machine.host.mounts.find("/srv/new").node.data == b"from inside"
    assert changes(bare) == [(1, "/a"), (1, "/a/b"), (1, "/c"), (1, "/c/note")]


def test_many_appends_cost_no_more_than_their_bytes(p):
    for _ in range(2000):
        p.write_file("/log", "line\n", append=True)
    assert p.stat("/log").st_size == 10_000
    assert type(p.stat("/log").node.data) is bytearray
