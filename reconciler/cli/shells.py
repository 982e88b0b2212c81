"""Completion in bash, zsh, and fish: click's mechanism, with scripts that quote the candidates they insert.

Addresses contain brackets and quotes, and the words of a line may be quoted, partly quoted, or unquoted. click's own
scripts insert candidates unquoted and pass words that are split at spaces. These pass each word as typed, parse it as
the shell would, and insert text that the shell parses back to the candidate.

Importing this module makes click use these classes instead of its own.
"""

from __future__ import annotations

import os
import re
from typing import ClassVar

from click.shell_completion import CompletionItem, ShellComplete, add_completion_class

_BASH = r"""# Completion of %(prog_name)s in bash 4.4 and newer.
%(complete_func)s() {
    local IFS=$'\n' line kind value
    COMPREPLY=()
    while read -r line; do
        kind=${line%%%%,*} value=${line#*,}
        case $kind in
            plain) COMPREPLY+=("$value") ;;
            dir) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$value") ;;
            file) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$value") ;;
            yaml) compopt -o filenames
                mapfile -t COMPREPLY < <(compgen -d -- "$value"; compgen -f -X '!*.y*ml' -- "$value") ;;
        esac
    done < <(%(complete_var)s=bash_complete COMP_LINE="${COMP_LINE:0:COMP_POINT}" COMP_CURRENT="$2" "$1" 2>/dev/null)
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""

_ZSH = r"""#compdef %(prog_name)s
# Completion of %(prog_name)s in zsh.
%(complete_func)s() {
    local -a answer plain described
    local kind value help
    answer=("${(@f)$(%(complete_var)s=zsh_complete COMP_WORDS="${(pj:\n:)words[1,CURRENT-1]}" \
        COMP_CURRENT="$IPREFIX$QIPREFIX$PREFIX" "${(Q)words[1]}" 2>/dev/null)}")
    for kind value help in "${answer[@]}"; do
        case $kind in
            plain) if [[ $help == _ ]]; then plain+=("$value"); else described+=("${value//:/\\:}:$help"); fi ;;
            # What follows an option and = is a path by itself.
            dir) compset -P 1 '--*='; _files -/ ;;
            file) compset -P 1 '--*='; _files ;;
            yaml) compset -P 1 '--*='; _files -g '*.(yaml|yml)' ;;
        esac
    done
    (( $#described )) && _describe -V unsorted described -U
    (( $#plain )) && compadd -U -V unsorted -a plain
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    %(complete_func)s "$@"
else
    compdef %(complete_func)s %(prog_name)s
fi
"""

_FISH = r"""# Completion of %(prog_name)s in fish.
function %(complete_func)s
    set -l words (commandline -opc)
    for line in (env %(complete_var)s=fish_complete COMP_WORDS=(string join \n -- $words | string collect) \
            COMP_CURRENT=(commandline -ct | string collect) $words[1] 2>/dev/null)
        set -l part (string split -m 1 , -- $line)
        switch $part[1]
            case plain
                printf '%%s\n' $part[2]
            case dir
                __fish_complete_directories (commandline -ct) ''
            case file
                __fish_complete_path (commandline -ct)
            case yaml
                __fish_complete_suffix .yaml
        end
    end
end
complete --no-files --command %(prog_name)s --arguments '(%(complete_func)s)'
"""

_BREAKS = frozenset(" \t\n;|&()<>")
"""Characters that end an unquoted word in a shell."""
_PLAIN = re.compile(r"[A-Za-z0-9_./:@%+=,-]*\Z")


class Typed:
    """A possibly incomplete word as it was typed, and its value in the shell.

    Args:
        raw: the text.

    Attributes:
        value: the word as the shell parses it.
        quote: the quotation mark that is still open at the end; empty if there is none.
        lengths: for each length of a prefix of the text, the length of the value that it produces.
    """

    def __init__(self, raw: str) -> None:
        self.raw, self.quote = raw, ""
        value: list[str] = []
        self.lengths = [0]
        position = 0
        while position < len(raw):
            char, width = raw[position], 1
            following = raw[position + 1 : position + 2]
            if self.quote:
                if char == self.quote:
                    self.quote = ""
                elif char == "\\" and self.quote == '"' and following and following in '"\\$`':
                    value.append(following)
                    width = 2
                else:
                    value.append(char)
            elif char in "'\"":
                self.quote = char
            elif char == "\\":
                value.append(following)
                width = 1 + len(following)
            else:
                value.append(char)
            self.lengths += [len("".join(value))] * width
            position += width
        self.value = "".join(value)


def words_of(line: str) -> list[Typed]:
    """Split the last command of a line into words; the last one is being typed and is empty after a space."""
    words: list[str] = [""]
    quote = ""
    position = 0
    while position < len(line):
        char = line[position]
        if char == "\\" and quote != "'":
            words[-1] += line[position : position + 2]
            position += 2
            continue
        if quote:
            quote = "" if char == quote else quote
        elif char in "'\"":
            quote = char
        elif char in _BREAKS:
            if char not in " \t":
                words = [""]
            elif words[-1]:
                words.append("")
            position += 1
            continue
        words[-1] += char
        position += 1
    return [Typed(word) for word in words]


class _Complete(ShellComplete):
    """The common part of all shells: separate words as input, and no output on errors."""

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the words before the one being typed, without the program's name, and that word."""
        words = [Typed(word).value for word in os.environ.get("COMP_WORDS", "").split("\n")]
        return words[1:], Typed(os.environ.get("COMP_CURRENT", "")).value

    @property
    def option(self) -> str:
        """The option and equals sign that precede the candidate in the same word; empty if there is none."""
        option, equals, _ = self.get_completion_args()[1].partition("=")
        return option + equals if equals and option.startswith("--") else ""

    def complete(self) -> str:
        """Return the candidates for the script to read; none on errors."""
        try:
            return super().complete()
        except Exception:  # noqa: BLE001 - an error message would garble the command line
            return ""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem[str]]:
        """Return the candidates of click and of our own callbacks, which receive all words of the line."""
        self.ctx_args["obj"] = tuple(args)
        return super().get_completions(args, incomplete)


class Bash(_Complete):
    """Completion in bash, whose scripts have to quote candidates themselves."""

    name: ClassVar[str] = "bash"
    source_template: ClassVar[str] = _BASH

    def __init__(self, *given: object) -> None:
        super().__init__(*given)  # type: ignore[arg-type] # click's own arguments, passed on
        words = words_of(os.environ.get("COMP_LINE", ""))
        self._current = words[-1]
        self._before = [word.value for word in words[:-1]]

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the words of the whole line: bash itself also splits them at quotes, colons, and at signs."""
        names = [index for index, word in enumerate(self._before) if os.path.basename(word) == self.prog_name]  # noqa: PTH119 - a word, no path yet
        return self._before[names[0] + 1 if names else 1 :], self._current.value

    def complete(self) -> str:
        """Return the candidates as replacements for the part of the line that bash treats as the word."""
        try:
            items = self.get_completions(*self.get_completion_args())
        except Exception:  # noqa: BLE001 - as above
            return ""
        start = len(self._current.raw) - len(os.environ.get("COMP_CURRENT", ""))
        prefix = self._current.value[: self._current.lengths[max(start, 0)]]
        values = [self.option + item.value for item in items]
        rest = [value.removeprefix(prefix) for value in values]
        quoted = any(not _PLAIN.match(text) for text, item in zip(rest, items, strict=True) if item.type == "plain")
        lines = []
        for text, item in zip(rest, items, strict=True):
            shown = self._quoted(text, needed=quoted) if item.type == "plain" else text
            lines.append(f"{item.type},{shown}")
        return "\n".join(lines) + "\n" if lines else ""

    def _quoted(self, text: str, *, needed: bool) -> str:
        """Quote a text so that bash parses it back unchanged within the quotes that are already open."""
        match self._current.quote:
            case "'":
                return text.replace("'", "'\\''")
            case '"':
                return re.sub(r'(["\\$`])', r"\\\1", text)
            case _:
                return "'" + text.replace("'", "'\\''") + "'" if needed else text


class Zsh(_Complete):
    """Completion in zsh, which quotes candidates itself."""

    name: ClassVar[str] = "zsh"
    source_template: ClassVar[str] = _ZSH

    def format_completion(self, item: CompletionItem[str]) -> str:
        """Format a candidate as three lines: type, candidate, explanation."""
        return f"{item.type}\n{self.option}{item.value}\n{_one_line(item.help)}"


class Fish(_Complete):
    """Completion in fish, which quotes candidates itself and expects the whole word."""

    name: ClassVar[str] = "fish"
    source_template: ClassVar[str] = _FISH

    def format_completion(self, item: CompletionItem[str]) -> str:
        """Format a candidate as type and candidate, with its explanation after a tab."""
        return f"{item.type},{self.option}{item.value}" + (f"\t{_one_line(item.help)}" if item.help else "")


def _one_line(text: str | None) -> str:
    return " ".join((text or "_").split())


SHELLS = {shell.name: shell for shell in (Bash, Zsh, Fish)}
for _shell in SHELLS.values():
    add_completion_class(_shell)
