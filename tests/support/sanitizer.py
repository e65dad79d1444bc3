"""What tests have to know when AddressSanitizer is built into the programs under test."""

import os


def _options(*more):
    return ":".join(filter(None, [os.environ.get("ASAN_OPTIONS", ""), *more]))


def is_built_in(binary):
    with open(binary, "rb") as file:
        return b"__asan_init" in file.read()


def late():
    """The environment for a program that loads AddressSanitizer only with one of its libraries."""
    return {"ASAN_OPTIONS": _options("verify_asan_link_order=0")}


def preload(library):
    """The environment that loads a library into a program before all others."""
    return {"LD_PRELOAD": str(library), **late()}


def traced():
    """The environment for a program under strace: LeakSanitizer would have to trace it as well."""
    return {"ASAN_OPTIONS": _options("detect_leaks=0")}
