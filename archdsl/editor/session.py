"""The documents that are open: what is known of each, and when it is found out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from archdsl.editor.analysis import Analysis, analyse
from archdsl.editor.project import File, Project, is_spec

DELAY, IDLE = 0.05, 0.4  # seconds after the last keystroke: until the first round, and until the second
Publish = Callable[[Path, "Analysis | None"], None]


@dataclass
class Session:
    """Open documents by path; `publish` is told what is found of one, or None of one that is no spec."""

    publish: Publish
    project: Project = field(default_factory=Project)
    languages: dict[Path, str] = field(default_factory=dict)
    latest: dict[Path, Analysis] = field(default_factory=dict)
    sound: dict[Path, Analysis] = field(default_factory=dict)  # the last one with a network
    rounds: dict[Path, int] = field(default_factory=dict)

    def change(self, path: Path, text: str, language: str | None = None) -> None:
        """A document was opened, or has another text."""
        self.project.open[path] = text
        if language is not None:
            self.languages[path] = language
        self.rounds[path] = self.rounds.get(path, 0) + 1

    def close(self, path: Path) -> None:
        for known in (self.project.open, self.languages, self.latest, self.sound, self.rounds):
            known.pop(path, None)
        self.publish(path, None)

    async def refresh(self, path: Path, delay: float = DELAY) -> None:
        """Both rounds of a document, unless it changes meanwhile; then those made of it."""
        current = self.rounds.get(path)
        await asyncio.sleep(delay)
        if current is None or self.rounds.get(path) != current:
            return
        analysis = self.current(path)
        if analysis is None:
            self.publish(path, None)  # no spec, or no longer
            return
        for other in self.readers(path):
            self.analyse(other)
        await asyncio.sleep(IDLE)
        for _ in analysis.rest():
            await asyncio.sleep(0)
            if self.latest.get(path) is not analysis:
                return
        if self.latest.get(path) is analysis:
            self.publish(path, analysis)

    def current(self, path: Path) -> Analysis | None:
        """What is known of the text that a document has now, found out if it is not yet."""
        known = self.latest.get(path)
        if known is not None and known.source.text == self.project.open.get(path):
            return known
        return self.analyse(path) if path in self.project.open and self.is_spec(path) else None

    def analyse(self, path: Path) -> Analysis:
        """The first round of a spec, and what it finds published."""
        file = self.project.file(path)
        links = {str(named): word.span for word, named in file.named} if file is not None else {}
        analysis = self.latest[path] = analyse(path, self.project.open[path], self.project.load, links)
        if not analysis.found.found:
            self.sound[path] = analysis
        elif path in self.sound and self.sound[path].source.text == analysis.source.text:
            del self.sound[path]  # a file that it uses is another now
        self.publish(path, analysis)
        return analysis

    def is_spec(self, path: Path) -> bool:
        return is_spec(path.name, self.project.open.get(path, ""), self.languages.get(path, "yaml"))

    def readers(self, path: Path) -> list[Path]:
        """The other open documents that are made of one."""
        inner = Project(self.project.open, files=self.project.files)  # no folder: those that are open alone
        return [file.path for file in inner.made_of({path}) if file.path != path and file.path in self.project.open]

    def file(self, path: Path) -> File | None:
        """A spec as a tree; None while its text is no YAML: places of an older text would be other ones."""
        found = self.project.file(path) if self.is_spec(path) else None
        return found if found is not None and found.source.text == self.project.open.get(path) else None

    def networks(self, path: Path) -> list[Analysis]:
        """The networks in which a file takes part: its own, then those of open documents made of it.

        A place is looked up in the text that a network was read from, so one of an older text says nothing.
        """
        self.current(path)
        current = self.project.file(path)
        own = [self.sound[path]] if path in self.sound else []
        others = [found for other, found in self.sound.items() if other != path]
        return [
            found for found in (*own, *others) if current is not None and found.texts.get(path) == current.source.text
        ]
