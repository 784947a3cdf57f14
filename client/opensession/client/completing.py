"""Completion scripts, made from the table of commands and their options."""

from __future__ import annotations

from typing import NamedTuple

from opensession.client.building import build
from opensession.client.table import COMMANDS, GROUPS

_DYNAMIC = {"ref": "refs", "refs": "refs", "what": "refs", "names": "agents", "key": "keys"}
_DYNAMIC_OPTIONS = {"--tool": "agents", "--agent": "agents", "--session": "refs", "--tag": "tags"}


class Words(NamedTuple):
    """What can follow a command: `options` and their choices, `argument` the kind of its words."""

    path: str
    summary: str
    options: list[str]
    choices: dict[str, list[str]]
    argument: str
    values: list[str]


def script(shell: str) -> str:
    """The completion script of a shell."""
    return {"bash": _bash, "zsh": _zsh, "fish": _fish}[shell](_all_words())


def _all_words() -> list[Words]:
    found = []
    for path, entry in COMMANDS.items():
        options: list[str] = []
        choices: dict[str, list[str]] = {}
        argument = ""
        values: list[str] = []
        for parameter in build(path).params:
            names = [*parameter.opts, *parameter.secondary_opts]
            listed = [str(value) for value in getattr(parameter.type, "choices", ())]
            if parameter.param_type_name == "argument":
                argument = argument or _DYNAMIC.get(parameter.name, "")
                values = values or listed
            else:
                options += [name for name in names if name.startswith("--")]
                choices.update({name: listed for name in names if listed})
        found.append(Words(path, entry.summary, [*options, "--help"], choices, argument, values))
    return found


def _children() -> dict[str, list[tuple[str, str]]]:
    """The next word after each group, and the top level under an empty name."""
    found: dict[str, dict[str, str]] = {"": {}}
    known = {**{name: entry.summary for name, entry in COMMANDS.items()}, **GROUPS}
    for path in known:
        words = path.split()
        for depth, word in enumerate(words):
            group = " ".join(words[:depth])
            full = " ".join(words[: depth + 1])
            found.setdefault(group, {}).setdefault(word, known.get(full, ""))
    return {group: list(words.items()) for group, words in found.items()}


def _bash(all_words: list[Words]) -> str:
    """Bash 3.2 has no associative arrays, and macOS ships it: cases it is."""
    groups = "\n".join(
        f'    "{group}") words="{" ".join(word for word, _ in words)}" ;;'
        for group, words in _children().items()
    )
    options = "\n".join(f'    "{w.path}") words="{" ".join(w.options)}" ;;' for w in all_words)
    choices = "\n".join(
        f'    "{w.path} {option}") words="{" ".join(values)}" ;;'
        for w in all_words
        for option, values in w.choices.items()
    )
    arguments = "\n".join(
        f'    "{w.path}") {_bash_source(w)} ;;' for w in all_words if w.argument or w.values
    )
    dynamic = "\n".join(f"    {name}) kind={kind} ;;" for name, kind in _DYNAMIC_OPTIONS.items())
    return f"""# opensession completion for bash
_opensession_words() {{
  # sets words: what follows the command path $1 below it
  case "$1" in
{groups}
    *) words="" ;;
  esac
}}
_opensession_options() {{
  case "$1" in
{options}
    *) words="--help" ;;
  esac
}}
_opensession_choices() {{
  case "$1 $2" in
{choices}
    *) words="" ;;
  esac
}}
_opensession_ask() {{
  words="$(opensession complete "$1" 2>/dev/null | cut -f1)"
}}
_opensession() {{
  local cur prev path next words kind i
  cur="${{COMP_WORDS[COMP_CWORD]}}"
  prev="${{COMP_WORDS[COMP_CWORD-1]}}"
  path=""
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    next="${{path:+$path }}${{COMP_WORDS[i]}}"
    _opensession_words "$path"
    case " $words " in
      *" ${{COMP_WORDS[i]}} "*) path="$next" ;;
      *) break ;;
    esac
  done
  _opensession_choices "$path" "$prev"
  if [ -n "$words" ]; then
    COMPREPLY=($(compgen -W "$words" -- "$cur"))
    return
  fi
  kind=""
  case "$prev" in
{dynamic}
  esac
  if [ -n "$kind" ]; then
    _opensession_ask "$kind"
  elif [[ "$cur" == -* ]]; then
    _opensession_options "$path"
  else
    _opensession_words "$path"
    case "$path" in
{arguments}
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}}
complete -o default -F _opensession opensession"""


def _bash_source(words: Words) -> str:
    if words.argument:
        return f"_opensession_ask {words.argument}"
    return f'words="{" ".join(words.values)}"'


def _zsh(all_words: list[Words]) -> str:
    groups = "\n".join(
        f"    {_q(group)}) found=({' '.join(_q(_pair(word, said)) for word, said in words)}) ;;"
        for group, words in _children().items()
    )
    options = "\n".join(f"    {_q(w.path)}) found=({' '.join(w.options)}) ;;" for w in all_words)
    choices = "\n".join(
        f"    {_q(f'{w.path} {option}')}) found=({' '.join(values)}) ;;"
        for w in all_words
        for option, values in w.choices.items()
    )
    arguments = "\n".join(
        f"    {_q(w.path)}) {_zsh_source(w)} ;;" for w in all_words if w.argument or w.values
    )
    dynamic = "\n".join(
        f"    {name}) _opensession_ask {kind}; return ;;" for name, kind in _DYNAMIC_OPTIONS.items()
    )
    return f"""#compdef opensession
# opensession completion for zsh
_opensession_below() {{
  found=()
  case "$1" in
{groups}
  esac
}}
_opensession_options() {{
  found=(--help)
  case "$1" in
{options}
  esac
}}
_opensession_choices() {{
  found=()
  case "$1 $2" in
{choices}
  esac
}}
_opensession_ask() {{
  local -a lines
  local line
  lines=("${{(@f)$(opensession complete "$1" 2>/dev/null)}}")
  found=()
  for line in $lines; do
    found+=("${{line%%$'\\t'*}}:${{${{line#*$'\\t'}}//:/ }}")
  done
  _describe -V "$1" found
}}
_opensession() {{
  local cur prev where
  local -a found
  local -i i
  cur="${{words[CURRENT]}}"
  prev="${{words[CURRENT-1]}}"
  where=""
  for ((i = 2; i < CURRENT; i++)); do
    _opensession_below "$where"
    if (( ${{found[(I)${{words[i]}}:*]}} )); then
      where="${{where:+$where }}${{words[i]}}"
    else
      break
    fi
  done
  _opensession_choices "$where" "$prev"
  if (( $#found )); then
    compadd -a found
    return
  fi
  case "$prev" in
{dynamic}
  esac
  if [[ "$cur" == -* ]]; then
    _opensession_options "$where"
    compadd -a found
    return
  fi
  _opensession_below "$where"
  if (( $#found )); then
    _describe -V command found
    return
  fi
  case "$where" in
{arguments}
  esac
  _files
}}
if [[ "$funcstack[1]" == _opensession ]]; then
  _opensession "$@"
else
  compdef _opensession opensession
fi"""


def _zsh_source(words: Words) -> str:
    if words.argument:
        return f"_opensession_ask {words.argument}; return"
    return f"compadd {' '.join(words.values)}; return"


def _fish(all_words: list[Words]) -> str:
    lines = [
        "# opensession completion for fish",
        "function __opensession_path",
        "  set -l words (commandline -opc)",
        "  set -e words[1]",
        "  set -l path",
        "  for word in $words",
        "    string match -q -- '-*' $word; and break",
        '    set -l next (string join " " $path $word)',
        f"    contains -- $next {' '.join(_q(path) for path in _every_path())}; or break",
        "    set path $path $word",
        "  end",
        "  string join ' ' $path",
        "end",
        "function __opensession_at",
        "  set -l here (__opensession_path)",
        '  test "$here" = "$argv[1]"',
        "end",
        "complete -c opensession -f",
    ]
    for group, words in _children().items():
        for word, said in words:
            lines.append(
                f"complete -c opensession -n {_q(f'__opensession_at {_q(group)}')}"
                f" -a {_q(word)} -d {_q(said)}"
            )
    for w in all_words:
        at = _q(f"__opensession_at {_q(w.path)}")
        for option in w.options:
            extra = ""
            if option in w.choices:
                extra = f" -x -a {_q(' '.join(w.choices[option]))}"
            elif option in _DYNAMIC_OPTIONS:
                extra = f" -x -a '(opensession complete {_DYNAMIC_OPTIONS[option]} 2>/dev/null)'"
            lines.append(f"complete -c opensession -n {at} -l {option[2:]}{extra}")
        if w.argument:
            asked = f"'(opensession complete {w.argument} 2>/dev/null)'"
            lines.append(f"complete -c opensession -n {at} -k -a {asked}")
        elif w.values:
            lines.append(f"complete -c opensession -n {at} -a {_q(' '.join(w.values))}")
    return "\n".join(lines)


def _every_path() -> list[str]:
    return [f"{group} {word}".strip() for group, words in _children().items() for word, _ in words]


def _pair(word: str, said: str) -> str:
    return f"{word}:{said.replace(':', ' ')}"


def _q(text: str) -> str:
    """A word in single quotes, for all three shells."""
    return "'" + text.replace("'", "'\\''") + "'"
