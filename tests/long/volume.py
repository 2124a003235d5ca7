"""A file system that can lose its power: ext4 in a file, and copies of what that file holds at one moment.

The file lies on XFS, which copies it at once and whole (`cp --reflink`), while the file system in it is written to. What
the machine still holds in memory is not in the copy, as after a power failure; mounting it replays the journal.

Needs root, loop devices, and `mkfs.xfs` and `mkfs.ext4`.
"""

import contextlib
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

OUTER_BYTES = "24G"
INNER_BYTES = "2G"


def command(*words: object) -> None:
    """Runs a command; a failure is an exception with what it said."""
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True)
    if done.returncode:
        raise AssertionError(f"{' '.join(map(str, words))}: {done.stderr.strip()}")


@contextlib.contextmanager
def mounted(image: Path, at: Path) -> Iterator[Path]:
    """The file system of an image, mounted for the block."""
    at.mkdir(exist_ok=True)
    command("mount", "-o", "loop", image, at)
    try:
        yield at
    finally:
        unmount(at)


def unmount(at: Path) -> None:
    """Unmounts; whoever was killed just now may hold it a moment longer."""
    until = time.monotonic() + 20
    while subprocess.run(["umount", str(at)], capture_output=True).returncode:
        if time.monotonic() > until:
            command("umount", "--lazy", at)
            return
        time.sleep(0.1)


class Volumes:
    """A place for images that can be copied at once."""

    def __init__(self, place: Path) -> None:
        self.images = place

    @classmethod
    @contextlib.contextmanager
    def within(cls, scratch: Path) -> Iterator["Volumes"]:
        """Makes the place in a folder, sparse, and takes it away after the block."""
        outer = scratch / "outer.img"
        command("truncate", "-s", OUTER_BYTES, outer)
        command("mkfs.xfs", "-q", "-m", "reflink=1", outer)
        try:
            with mounted(outer, scratch / "outer") as place:
                yield cls(place)
        finally:
            outer.unlink()

    def image(self, name: str) -> Path:
        """Where the image of that name lies."""
        return self.images / f"{name}.img"

    def fresh(self, name: str) -> Path:
        """A new and empty file system."""
        image = self.image(name)
        image.unlink(missing_ok=True)
        command("truncate", "-s", INNER_BYTES, image)
        command("mkfs.ext4", "-q", "-F", image)
        return image

    def copy(self, name: str, to: str) -> tuple[float, float]:
        """What an image holds now, under another name: the moments before and after, on the monotonic clock."""
        self.image(to).unlink(missing_ok=True)
        before = time.monotonic()
        command("cp", "--reflink=always", self.image(name), self.image(to))
        return before, time.monotonic()

    def remove(self, *names: str) -> None:
        """Removes images."""
        for name in names:
            self.image(name).unlink(missing_ok=True)

    def keep(self, name: str, folder: Path) -> None:
        """Puts an image aside where it outlives the test."""
        folder.mkdir(parents=True, exist_ok=True)
        command("cp", "--sparse=always", self.image(name), folder / "disk.img")


@contextlib.contextmanager
def scratch_folder(parent: Path) -> Iterator[Path]:
    """A folder for one test, removed afterwards."""
    folder = parent / f"long-{time.time_ns()}"
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
