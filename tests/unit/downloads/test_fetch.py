import pytest

from stampshift.core.errors import ArchiveError
from stampshift.downloads.fetch import fetch, size_at


@pytest.fixture
def part(tmp_path):
    return tmp_path / "stamps_0.tar.part"


def fetch_freely(server, part, retries):
    fetch(server.address, part, retries=retries, check_space=lambda _: None)


def test_a_whole_file_comes_as_it_is(server, part, retries, waited):
    fetch_freely(server, part, retries)
    assert part.read_bytes() == server.content
    assert waited == []


def test_a_dropped_connection_continues_where_it_was(server, part, retries, waited):
    server.drop_after = [300_000, 200_000]
    fetch_freely(server, part, retries)
    assert part.read_bytes() == server.content
    assert server.sent == len(server.content), "no byte came twice"
    assert [asked.get("Range") for asked in server.asked] == [None, "bytes=300000-", "bytes=500000-"]
    assert waited == [1.0, 1.0], "a try that got on does not lengthen the pauses"


def test_a_killed_download_continues_in_the_next_process(server, part, retries):
    server.drop_after, server.statuses = [300_000], [200, 503, 503, 503]
    with pytest.raises(
        ArchiveError, match=r"3 attempts in a row received no data.* 300,000 bytes received so far are kept"
    ):
        fetch_freely(server, part, retries)
    fetch_freely(server, part, retries)
    assert part.read_bytes() == server.content
    assert server.sent == len(server.content)


def test_failed_tries_wait_longer_and_longer(server, part, retries, waited):
    server.statuses = [503, 503, 503]
    with pytest.raises(ArchiveError, match="status 503"):
        fetch_freely(server, part, retries)
    assert waited == [1.0, 2.0]


def test_a_file_that_changed_between_the_tries_is_downloaded_again(server, part, retries):
    server.drop_after = [300_000]
    server.statuses = [200, 503, 503, 503]
    with pytest.raises(ArchiveError):
        fetch_freely(server, part, retries)
    server.content, server.tag = b"another" * 100_000, '"second"'
    fetch_freely(server, part, retries)
    assert part.read_bytes() == server.content


@pytest.mark.parametrize(("ranges", "tag"), [(False, '"first"'), (True, None), (True, 'W/"weak"')])
def test_if_the_rest_is_not_available_the_whole_file_comes_again(server, part, retries, ranges, tag):
    server.ranges, server.tag, server.drop_after = ranges, tag, [300_000]
    fetch_freely(server, part, retries)
    assert part.read_bytes() == server.content
    assert server.sent == 300_000 + len(server.content)


def test_a_part_without_its_record_is_not_trusted(server, part, retries):
    part.write_bytes(b"of unknown origin")
    fetch_freely(server, part, retries)
    assert part.read_bytes() == server.content


def test_a_web_page_is_not_taken_for_an_archive(server, part, retries):
    server.content = b"<!DOCTYPE html><html><body>Sorry, we have moved.</body></html>"
    with pytest.raises(ArchiveError, match="expected the archive's file, found a web page"):
        fetch_freely(server, part, retries)
    assert part.stat().st_size == 0


def test_a_wrong_address_is_not_tried_again(server, part, retries):
    server.statuses = [404]
    with pytest.raises(ArchiveError, match=r"status 404 Not Found\. Check the address in the config"):
        fetch_freely(server, part, retries)
    assert len(server.asked) == 1


def test_a_refused_range_starts_from_the_beginning(server, part, retries):
    server.drop_after, server.statuses = [300_000], [200, 416]
    fetch_freely(server, part, retries)
    assert part.read_bytes() == server.content


def test_nothing_listens(part, retries, waited):
    with pytest.raises(ArchiveError, match="Connection refused"):
        fetch("http://127.0.0.1:9/stamps_0.tar", part, retries=retries, check_space=lambda _: None)
    assert waited == [1.0, 2.0]


def test_room_is_asked_for_what_is_still_to_come(server, part, retries):
    needed = []
    server.drop_after = [300_000]
    fetch(server.address, part, retries=retries, check_space=needed.append)
    assert needed == [len(server.content), len(server.content) - 300_000]


def test_the_size_is_known_before(server):
    assert size_at(server.address) == len(server.content)
    assert size_at("http://127.0.0.1:9/nothing") is None


def test_a_file_address_is_copied(part, retries, tmp_path):
    (tmp_path / "archive.tar").write_bytes(b"stamps" * 1000)
    fetch((tmp_path / "archive.tar").as_uri(), part, retries=retries, check_space=lambda _: None)
    assert part.read_bytes() == b"stamps" * 1000
