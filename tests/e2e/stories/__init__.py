"""The stories: each module here is one, named for the behaviour it shows.

A module has a docstring whose first line says what happens, story(s), and where it needs them CONF and RULES: what its
sandbox's configuration has that others have not.
"""
import importlib
import pkgutil


def names():
    return sorted(m.name.replace("_", "-") for m in pkgutil.iter_modules(__path__))


def find(name):
    return importlib.import_module(f"{__name__}.{name.replace('-', '_')}")


def line(story):
    return story.__doc__.strip().splitlines()[0]
