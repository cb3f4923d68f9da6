import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.servers import until
from turnpike.errors import ConfigurationError
from turnpike.kit.files import FileLock, LockHeld, private_folder, read_json, write_private


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_new_folder_is_private_with_all_above_it(tmp_path: Path):
    folder = private_folder(tmp_path / "a" / "b")
    assert mode(folder) == 0o700


def test_an_open_folder_of_ours_is_closed(tmp_path: Path):
    folder = tmp_path / "a"
    folder.mkdir(mode=0o755)
    private_folder(folder)
    assert mode(folder) == 0o700


def test_a_file_in_the_folders_place_is_named(tmp_path: Path):
    (tmp_path / "a").write_text("")
    with pytest.raises(ConfigurationError, match="is a file"):
        private_folder(tmp_path / "a")


def test_a_symbolic_link_in_a_shared_place_is_refused(tmp_path: Path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(ConfigurationError, match="belongs to somebody else"):
        private_folder(tmp_path / "link", own=True)


def test_a_private_file_is_ours_alone_and_replaces_whole(tmp_path: Path):
    file = tmp_path / "f"
    file.write_text("a longer old text")
    file.chmod(0o644)
    write_private(file, "new")
    assert file.read_text() == "new"
    assert mode(file) == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_writers_of_one_file_at_once_do_not_meet(tmp_path: Path):
    file = tmp_path / "f"
    texts = [str(number) * 10_000 for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda text: write_private(file, text), texts * 20))
    assert file.read_text() in texts
    assert list(tmp_path.iterdir()) == [file]


def test_a_lock_names_its_holder_to_the_next(tmp_path: Path):
    with FileLock(tmp_path / "lock").acquire({"program": "one"}):
        with pytest.raises(LockHeld) as caught:
            FileLock(tmp_path / "lock").acquire({"program": "two"})
        assert caught.value.holder == {"program": "one", "pid": os.getpid()}
        assert caught.value.holder_lives
    FileLock(tmp_path / "lock").acquire({"program": "two"}).release()


def test_a_lock_stays_with_an_heir_of_a_dead_holder(tmp_path: Path):
    path = tmp_path / "lock"
    source = (
        "import subprocess, sys; from pathlib import Path; from turnpike.kit.files import FileLock\n"
        "lock = FileLock(Path(sys.argv[1])).acquire({})\n"
        "subprocess.Popen(['cat'], pass_fds=[lock.fd], stdout=subprocess.DEVNULL)"
    )
    heir = subprocess.Popen([sys.executable, "-c", source, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert heir.wait(10) == 0
    with pytest.raises(LockHeld) as caught:
        FileLock(path).acquire({})
    assert not caught.value.holder_lives
    heir.communicate()
    until(lambda: takes(path), "the heir has ended")


def takes(path: Path) -> bool:
    try:
        FileLock(path).acquire({}).release()
    except LockHeld:
        return False
    return True


def test_what_is_no_json_object_reads_as_empty(tmp_path: Path):
    assert read_json(tmp_path / "none") == {}
    (tmp_path / "x").write_text("[1]")
    assert read_json(tmp_path / "x") == {}
