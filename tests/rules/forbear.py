"""libforbear from Python, through its public header's functions alone."""
import ctypes
import json
import os


class _Seen(ctypes.Structure):
    _fields_ = [("message", ctypes.c_char_p), ("message_size", ctypes.c_size_t)]


class _Mail(ctypes.Structure):
    _fields_ = [("message", ctypes.c_char_p), ("message_size", ctypes.c_size_t), ("sender", ctypes.c_char_p),
                ("recipients", ctypes.POINTER(ctypes.c_char_p)), ("now_s", ctypes.c_int64),
                ("earlier", ctypes.POINTER(_Seen)), ("earlier_n", ctypes.c_size_t)]


def library():
    """The library of the build: FORBEAR_LIBRARY, which the test run sets, or the installed one."""
    return os.environ.get("FORBEAR_LIBRARY", "libforbear.so.0")


class Forbear:
    """A configuration with a world in it (world.conf: who is inside, who is who), every rule in mode hold. It says no by a
    RuntimeError with the library's own sentence."""

    def __init__(self, conf, world):
        self._lib = ctypes.CDLL(library())
        for name in ("rule", "not_judged", "json", "explain"):
            getattr(self._lib, "forbear_verdict_" + name).restype = ctypes.c_char_p
        self._error = ctypes.create_string_buffer(1024)
        self._handle = ctypes.c_void_p()
        self._check(self._lib.forbear_open_world(str(conf).encode(), str(world).encode(), None, ctypes.byref(self._handle), self._error,
                                                 len(self._error)))

    def _check(self, rc):
        if rc:
            raise RuntimeError(self._error.value.decode())

    def judge(self, message, recipients=None, sender=None, explain=False, earlier=()):
        """The verdict on the bytes of a message, as a dict; with what it came from under "explained". @earlier: messages that the
        gateway saw before, in order."""
        rcpt = None
        if recipients:
            rcpt = (ctypes.c_char_p * (len(recipients) + 1))(*[r.encode() for r in recipients], None)
        seen = (_Seen * len(earlier))(*[(m, len(m)) for m in earlier])
        mail = _Mail(message, len(message), sender.encode() if sender else None, rcpt, 0, seen, len(earlier))
        verdict = ctypes.c_void_p()
        self._check(self._lib.forbear_judge(self._handle, ctypes.byref(mail), ctypes.byref(verdict), self._error, len(self._error)))
        try:
            found = json.loads(self._lib.forbear_verdict_json(verdict))
            if explain:
                found["explained"] = self._lib.forbear_verdict_explain(verdict).decode(errors="replace")
        finally:
            self._lib.forbear_verdict_free(verdict)
        return found

    def close(self):
        self._lib.forbear_close(self._handle)
