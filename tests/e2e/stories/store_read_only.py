"""Where the store cannot be written nothing is held: mail passes, the log says why, and all is well again afterwards."""
import subprocess

from e2e import letters, queue


def story(s):
    s.says("The disk of the store turns read-only.")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", "/var/lib/forbear"], check=True)
    letter = letters.dressing_down()
    queue_id = s.send(letter)
    s.arrives(letter, "ben@corp.example", "cleo@corp.example", "dan@corp.example")
    s.check(queue.where(queue_id) != "hold", "it was never held")
    s.check(s.logged("milter", "store_fault"), "the milter's log says why")
    s.says("The disk is mended.")
    subprocess.run(["umount", "/var/lib/forbear"], check=True)
    s.hold_one()
