"""A page of the documentation followed from top to bottom, as a reader would who types all of it."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

from archdsl.commands import cli
from archdsl.commands.status import FAULT, OK

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def shows(shown, printed, *, loosely=False):
    """Whether a text of the page is what was printed: line by line, where `...` stands for any lines."""
    lines = [".*\n(?:.*\n)*?" if line == "..." else f"{re.escape(line.rstrip())}\n" for line in shown.splitlines()]
    pattern = "".join(lines)
    if loosely:
        pattern = re.sub(r"\d+\\\.\d%", r"\\d+\\.\\d%", pattern)  # an accuracy differs from machine to machine
    return re.fullmatch(pattern, "".join(f"{line.rstrip()}\n" for line in printed.splitlines())) is not None


class Reader:
    """Follows a page in the current folder: writes its specs, runs its commands, Python and LaTeX."""

    def __init__(self, page, capfd):
        self.page, self.capfd = page, capfd
        self.names = {}  # of the Python of the page
        self.ran = []  # the commands, and "python"
        self.printed = ""  # what no block has shown yet

    def follow(self, *, every):
        """Runs the page. With `every`, it shows all that is printed."""
        for language, text in FENCE.findall(self.page.read_text(encoding="utf-8")):
            if language == "text":
                self.compare(text)
                continue
            assert not (every and self.printed), f"the page does not show\n{self.printed}"
            self.printed = ""
            getattr(self, f"read_{language}")(text)
        assert not (every and self.printed), f"the page does not show\n{self.printed}"

    def compare(self, text):
        assert self.printed, f"nothing printed this:\n{text}"
        loosely = self.ran[-1] == "python"
        assert shows(text, self.printed, loosely=loosely), f"the page has\n{text}\nbut this is\n{self.printed}"
        self.printed = ""

    def read_yaml(self, text):
        Path(re.match(r"# (\w+\.yaml)\n", text)[1]).write_text(text, encoding="utf-8")

    def read_sh(self, text):
        for line in text.splitlines():
            command, _, file = line.partition(" > ")
            program, *words = shlex.split(command)
            assert program == "archdsl"
            status = cli.main(words)
            captured = self.capfd.readouterr()
            said = captured.out + captured.err
            assert status == (FAULT if "error[" in said else OK), said
            if file:
                Path(file).write_text(captured.out, encoding="utf-8")
            else:
                self.printed += said
            self.ran.append(words[0])

    def read_console(self, text):
        """What needs a network, or sets up the machine."""

    def read_python(self, text):
        if "nn.Module)" in text:
            assert any(text in file.read_text(encoding="utf-8") for file in Path().glob("*.py"))
            return
        exec(compile(text, self.page.name, "exec", dont_inherit=True), self.names)
        self.printed += "".join(self.capfd.readouterr())
        self.ran.append("python")

    def read_latex(self, text):
        if shutil.which("pdflatex"):
            Path("paper.tex").write_text(text, encoding="utf-8")
            call = ("pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex")
            made = subprocess.run(call, capture_output=True, text=True, check=False)
            assert made.returncode == 0, made.stdout[-2000:]
            assert "Overfull" not in made.stdout, made.stdout
