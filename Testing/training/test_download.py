"""Downloads: resumed, checked, and either whole or not there."""

import hashlib

import numpy as np
import pytest
from file_server import FileServer

from training.data.download import ATTEMPTS, UnreachableError, download
from training.data.sources import SourceError

CONTENT = np.random.default_rng(0).bytes(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def server():
    server = FileServer()
    server.files["/a.bin"] = CONTENT
    yield server
    server.close()


def bring(server, path, sha256=SHA256):
    download(f"{server.address}/a.bin", path, sha256, pause_s=0)


def test_a_broken_connection_is_resumed_where_it_stopped(server, tmp_path):
    server.cut["/a.bin"] = 100_000
    bring(server, tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == CONTENT
    assert [part for _, part in server.asked] == [None, "bytes=100000-"]
    assert [path.name for path in tmp_path.iterdir()] == ["a.bin"]


def test_what_an_earlier_run_left_is_used(server, tmp_path):
    (tmp_path / "a.bin.part").write_bytes(CONTENT[:1234])
    bring(server, tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == CONTENT
    assert server.asked == [("/a.bin", "bytes=1234-")]


def test_a_server_without_ranges_starts_again(server, tmp_path):
    server.ranges = False
    (tmp_path / "a.bin.part").write_bytes(CONTENT[:1234])
    bring(server, tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


def test_a_part_longer_than_the_file_is_thrown_away(server, tmp_path):
    (tmp_path / "a.bin.part").write_bytes(CONTENT + b"more")
    bring(server, tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


def test_a_busy_server_is_asked_again(server, tmp_path):
    server.busy["/a.bin"] = True
    bring(server, tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


def test_false_bytes_leave_nothing_behind(server, tmp_path):
    server.files["/a.bin"] = CONTENT[:-1] + b"!"
    with pytest.raises(SourceError, match="SHA-256"):
        bring(server, tmp_path / "a.bin")
    assert list(tmp_path.iterdir()) == []


def test_after_too_many_interruptions_the_part_stays_for_the_next_run(server, tmp_path):
    class Always(dict):
        def pop(self, path, default):
            return 10

    server.cut = Always()
    server.ranges = False
    with pytest.raises(SourceError, match="run the same command again"):
        bring(server, tmp_path / "a.bin")
    assert len(server.asked) == ATTEMPTS
    assert (tmp_path / "a.bin.part").read_bytes() == CONTENT[:10]
    assert not (tmp_path / "a.bin").exists()


def test_a_missing_file_and_a_missing_server_are_told_apart(server, tmp_path):
    with pytest.raises(SourceError, match="404") as caught:
        download(f"{server.address}/none.bin", tmp_path / "a.bin", pause_s=0)
    assert not isinstance(caught.value, UnreachableError)
    with pytest.raises(UnreachableError, match="--from"):
        download("http://127.0.0.1:9/a.bin", tmp_path / "a.bin", pause_s=0)
