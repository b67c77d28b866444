import io
import re
import tarfile

import pytest

from stampshift.core.errors import ArchiveError
from stampshift.formats.archives import find, tar_members

TEXT = re.compile(r"[^.].*\.txt")


def names(path, contents=True):
    return [
        (member.name, member.content) for member in tar_members(path, TEXT, archive="DES", contents=contents)
    ]


def test_members_are_found_by_name_in_order(tmp_path, formats):
    members = {
        "top/b.txt": b"b" * 700,
        "a.txt": b"",
        "top/c.gif": b"no",
        "._a.txt": b"no",
        "deep/er/d.txt": b"d" * 512,
    }
    wanted = [("top/b.txt", b"b" * 700), ("a.txt", b""), ("deep/er/d.txt", b"d" * 512)]
    assert names(formats.tar(tmp_path / "x.tar", members)) == wanted
    assert names(formats.tar(tmp_path / "x.tar.gz", members, "w:gz")) == wanted
    assert names(tmp_path / "x.tar", contents=False) == [(name, b"") for name, _ in wanted]


def test_offset_and_size_point_at_the_content(tmp_path, formats):
    long_name = "folder/" * 30 + "b.txt"  # needs a second header
    path = formats.tar(tmp_path / "x.tar", {"a.txt": b"first", long_name: b"second"})
    whole = path.read_bytes()
    found = list(tar_members(path, TEXT, archive="DES", contents=False))
    assert [whole[member.offset : member.offset + member.size] for member in found] == [b"first", b"second"]
    assert found[1].name == long_name


@pytest.mark.parametrize("kind", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_every_kind_of_header_is_read_as_tarfile_reads_it(tmp_path, kind):
    """Plain headers are parsed here and the others by tarfile: one must not be taken for the other."""
    folder = "/".join(["deep"] * 25)  # ustar's prefix, GNU's or pax' own header
    path = tmp_path / "x.tar"
    with tarfile.open(path, "w", format=kind, pax_headers={"comment": "of all"}) as tar:
        for name, size, type_ in [
            ("a.txt", 0, tarfile.REGTYPE),
            ("b.txt", 700, tarfile.REGTYPE),
            (f"{folder}/c.txt", 512, tarfile.REGTYPE),
            ("link.txt", 0, tarfile.SYMTYPE),
            ("folder.txt", 0, tarfile.DIRTYPE),
            ("old.txt", 3, tarfile.AREGTYPE),
            ("\u00e4.txt", 5, tarfile.REGTYPE),
            ("last.txt", 1, tarfile.REGTYPE),
        ]:
            info = tarfile.TarInfo(name)
            info.size, info.type, info.linkname = size, type_, "b.txt" * (type_ == tarfile.SYMTYPE)
            tar.addfile(info, io.BytesIO(b"x" * size))
    with tarfile.open(path) as tar:
        expected = [(member.name, member.offset_data, member.size) for member in tar if member.isreg()]
    found = tar_members(path, TEXT, archive="DES", contents=False)
    assert [(member.name, member.offset, member.size) for member in found] == expected
    assert len(expected) == 6


def test_size_in_binary_is_read(tmp_path, formats):
    """GNU tar writes what octal digits cannot hold, such as sizes beyond 8 GiB, in base 256."""
    path = formats.tar(tmp_path / "x.tar", {"a.txt": b"a", "b.txt": b"b" * 600, "c.txt": b"c"})
    content = bytearray(path.read_bytes())
    header = content[1024:1536]
    header[124:136] = b"\x80" + (600).to_bytes(11, "big")
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    content[1024:1536] = header
    path.write_bytes(content)
    assert names(path) == [("a.txt", b"a"), ("b.txt", b"b" * 600), ("c.txt", b"c")]


@pytest.mark.parametrize("keep", [100, 512, 600, 1024, 1500, 1536])
def test_tar_cut_short_is_refused_wherever_it_ends(tmp_path, formats, keep):
    path = formats.tar(tmp_path / "x.tar", {"a.txt": b"a" * 512, "b.txt": b"b" * 400})
    path.write_bytes(path.read_bytes()[:keep])
    for contents in (True, False):
        with pytest.raises(ArchiveError) as caught:
            names(path, contents)
        assert str(caught.value).startswith(f"DES archive {path}, at or after ")
        assert "expected a complete tar with its end mark, found it cut short or corrupt" in str(caught.value)
        assert str(caught.value).endswith("Download the file again.")


def test_tar_without_its_end_mark_is_refused(tmp_path, formats):
    path = formats.tar(tmp_path / "x.tar", {"a.txt": b"a" * 512})
    path.write_bytes(path.read_bytes()[:1024])
    with pytest.raises(ArchiveError, match=r"after member a\.txt: expected a complete tar with its end mark"):
        names(path)


def test_broken_header_in_the_middle_is_refused(tmp_path, formats):
    path = formats.tar(tmp_path / "x.tar", {"a.txt": b"a", "b.txt": b"b"})
    content = bytearray(path.read_bytes())
    content[1024:1034] = b"?" * 10
    path.write_bytes(content)
    with pytest.raises(ArchiveError, match=r"after member a\.txt: .*bad checksum"):
        names(path)


@pytest.mark.parametrize("lost", [1, 9, 40])
def test_gzip_cut_short_is_refused(tmp_path, formats, lost):
    path = formats.tar(tmp_path / "x.tar.gz", {"a.txt": bytes(range(256)) * 9}, "w:gz")
    path.write_bytes(path.read_bytes()[:-lost])
    with pytest.raises(ArchiveError, match=r"x\.tar\.gz.* found it cut short or corrupt"):
        names(path)


def test_file_that_is_not_a_tar_is_refused(tmp_path):
    path = tmp_path / "x.tar"
    path.write_text("<html>404</html>" * 100)
    with pytest.raises(ArchiveError, match=r"x\.tar, at or after its first member: expected a complete tar"):
        names(path)


def test_files_are_found_in_natural_order_below_folders(tmp_path):
    for name in ("a10.txt", "a2.txt", ".a3.txt", "a.csv", "sub/a1.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    single = tmp_path / "a2.txt"
    found = find([tmp_path, single], TEXT, archive="DES", remedy="")
    assert [path.relative_to(tmp_path).as_posix() for path in found] == [
        "a2.txt",
        "a10.txt",
        "sub/a1.txt",
        "a2.txt",
    ]


def test_path_that_does_not_exist_says_what_to_do(tmp_path):
    with pytest.raises(ArchiveError) as caught:
        find([tmp_path / "x"], TEXT, archive="DES", remedy="Put it there.")
    assert str(caught.value) == f"DES archive {tmp_path / 'x'}: no such file or folder. Put it there."
