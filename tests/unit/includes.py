#!/usr/bin/env python3
"""Who may include whom, and what nobody may call.

Arrows point one way: base <- mail, history <- rules; base <- conf, wire, daemon, facts, template, tls, judge, hold, token, notice;
the programs on top. No program includes another. The helper, which is root, sees neither INI nor SQL nor crypto. lib/ knows
no clock, no environment, no log and no libmilter, save lib/daemon, which is for programs.
"""
import pathlib
import re
import sys

LIB = {
    "base": set(),
    "conf": {"base"},
    "wire": {"base"},
    "daemon": {"base"},
    "mail": {"base"},
    "judge": {"base"},
    "facts": {"base", "template"},
    "history": {"base"},
    "hold": {"base"},
    "token": {"base", "hold"},
    "template": {"base"},
    "tls": {"base"},
    "notice": {"base", "facts", "mail", "template"},
    "rules": {"base", "conf", "facts", "history", "mail", "judge", "template"},
}
PROGRAMS = {
    "helper": {"base", "wire", "daemon"},
    "milter": {"base", "conf", "daemon", "history", "hold", "mail", "rules", "wire"},
    "web": {"base", "conf", "daemon", "facts", "hold", "template", "tls", "token", "wire"},
    "keeper": set(LIB),
    "forbear": set(LIB),
}
# A library of others -> the folders that may know it.
FOREIGN = {
    r"libmilter/": {"milter"},
    r"microhttpd\.h": {"web"},
    r"gnutls/": {"lib/tls"},
    r"sqlite3\.h": {"lib/history", "lib/hold"},
    r"iniparser": {"lib/conf"},
    r"gmime/|libxml/": {"lib/mail", "lib/notice"},
    r"curl/": {"lib/notice"},
    r"syslog\.h": {"milter"},  # libmilter speaks to syslog by itself
}
BANNED = re.compile(r"(?<![\w.>])(strcpy|strcat|sprintf|vsprintf|strtok|atoi|atol|gets|system|popen)\s*\(")
WORLD = re.compile(r"(?<![\w.>])(time|clock_gettime|gettimeofday|getenv|secure_getenv|setenv|syslog|perror|fb_log)\s*\(|\bstderr\b")
COMMENT_OR_STRING = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', re.S)


def home(path):
    """lib/mail/own.c -> lib/mail; milter/main.c -> milter."""
    parts = path.parts[:-1]
    return "/".join(parts[:2]) if parts[0] == "lib" else parts[0]


def allowed(folder):
    if folder == "lib":
        return set(LIB)
    return LIB[folder[4:]] | {folder[4:]} if folder.startswith("lib/") else PROGRAMS[folder] | {folder}


def include_faults(folder, text):
    for kind, name in re.findall(r'^\s*#\s*include\s+(["<])([^">]+)[">]', text, re.M):
        target = name.split("/")[0]
        if kind == '"' and "/" in name and target not in allowed(folder):
            yield f'may not include "{name}"'
        if kind == '"' and ".." in name:
            yield f'climbs out of its folder to "{name}"'
        for library, homes in FOREIGN.items():
            if re.match(library, name) and folder not in homes:
                yield f"may not know <{name}>"


def call_faults(folder, text):
    code = COMMENT_OR_STRING.sub(" ", text)
    for match in BANNED.finditer(code):
        yield f"calls {match.group(1)}, which is banned"
    if folder.startswith("lib") and folder != "lib/daemon":
        for match in WORLD.finditer(code):
            yield f"reaches for the world: {match.group(0)}"


def main(root):
    faults, count = [], 0
    for top in ["lib", *PROGRAMS]:
        for path in sorted((root / top).rglob("*.[ch]")):
            relative = path.relative_to(root)
            text = path.read_text()
            count += 1
            for fault in [*include_faults(home(relative), text), *call_faults(home(relative), text)]:
                faults.append(f"{relative}: {fault}")
    print("\n".join(faults) or f"{count} files include and call what they may")
    return bool(faults) or count == 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
