"""A real Asterisk on loopback for a test: its own process tree, its own folders, the recipe as it ships."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.ports import held_port

RECIPE = Path(__file__).parents[2] / "deploy" / "asterisk"
INSIDE = "/run/callvane"
"""Where the test's folder appears within Asterisk's system."""
START_SECONDS = 60.0
ENTER = """\
folder=$1 system=$2 inside=$3
shift 3
hostname localhost
mount --bind "$folder" "$system$inside"
mount -t proc proc "$system/proc"
exec chroot "$system" "$@"
"""
"""Asterisk asks for the address of its host's name: there is nothing to ask about `localhost`."""

ASTERISK_CONF = f"""\
[directories]
astetcdir => {INSIDE}/etc
astmoddir => /usr/lib/{{triplet}}/asterisk/modules
astvarlibdir => {INSIDE}/lib
astdbdir => {INSIDE}/lib
astkeydir => {INSIDE}/lib
astdatadir => /usr/share/asterisk
astagidir => {INSIDE}/lib
astspooldir => {INSIDE}/spool
astrundir => {INSIDE}/run
astlogdir => {INSIDE}/log
[options]
systemname = pbx1
"""

MODULES = """
    res_timing_timerfd res_sorcery_config res_sorcery_memory res_sorcery_astdb res_pjproject res_pjsip res_pjsip_session
    res_pjsip_sdp_rtp res_pjsip_registrar res_pjsip_endpoint_identifier_user res_pjsip_caller_id res_pjsip_header_funcs
    res_pjsip_refer res_pjsip_pubsub res_pjsip_authenticator_digest res_rtp_asterisk chan_pjsip codec_ulaw codec_alaw
    bridge_simple bridge_native_rtp pbx_config app_dial app_stack app_originate app_chanspy app_queue
    func_channel func_logic
"""

PJSIP_CONF = """\
[loopback]
type = transport
protocol = udp
bind = 127.0.0.1:{port}

[phone](!)
type = endpoint
context = extensions
disallow = all
allow = ulaw
direct_media = no
media_address = 127.0.0.1
bind_rtp_to_media_address = yes

[line](!)
type = aor
max_contacts = 1

[1001](phone)
aors = 1001
[1001](line)
[2001](phone)
aors = 2001
[2001](line)
[2002](phone)
aors = 2002
[2002](line)

#include "callvane-pjsip.conf"

[callvane](+type=endpoint)
media_address = 127.0.0.1
bind_rtp_to_media_address = yes
"""

EXTENSIONS_CONF = """\
#include "callvane-extensions.conf"

[extensions]
exten => _200X,1,Dial(PJSIP/${EXTEN},20,U(callvane))
; an agent calls a customer
exten => 92001,1,Dial(PJSIP/2001,20,U(callvane^out))
exten => 3000,1,Queue(support,r,,,20,,callvane)
"""

QUEUES_CONF = """\
[support]
strategy = ringall
member => PJSIP/2001
"""


class Asterisk:
    """One running Asterisk."""

    def __init__(self, system: Path, folder: Path, port: int, bridge: tuple[str, int]) -> None:
        """`system`: the Debian folder that it lives in. `folder`: what is its own. `bridge`: where it forks to.

        `port`: of its SIP, over UDP.
        """
        self.folder = folder
        self.port = port
        self._system = system
        self._bridge = bridge
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Host and port of its SIP."""
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it has booted."""
        self._configure()
        (self._system / INSIDE[1:]).mkdir(exist_ok=True)
        # Its mounts and its host name are seen by nobody else, and go with it; so does every process of it.
        self._process = subprocess.Popen(
            ["unshare", "--mount", "--uts", "--pid", "--fork", "--kill-child"]
            + ["sh", "-c", ENTER, "sh", str(self.folder), str(self._system), INSIDE]
            + ["/usr/sbin/asterisk", "-f", "-n", "-C", f"{INSIDE}/etc/asterisk.conf"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        deadline = time.monotonic() + START_SECONDS
        while "Asterisk Ready" not in self.log():
            assert self._process.poll() is None, self.log()
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.1)

    def log(self) -> str:
        """What it has said so far."""
        with contextlib.suppress(OSError):
            return (self.folder / "log" / "full").read_text(errors="replace")
        return ""

    def stop(self) -> None:
        """End it at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _configure(self) -> None:
        etc = self.folder / "etc"
        for name in ("etc", "lib", "spool", "run", "log"):
            (self.folder / name).mkdir(parents=True)
        modules = next(self._system.glob("usr/lib/*/asterisk/modules"))
        files = {
            "asterisk.conf": ASTERISK_CONF.format(triplet=modules.parent.parent.name),
            "modules.conf": "[modules]\nautoload = no\n" + "".join(f"load = {name}.so\n" for name in MODULES.split()),
            "logger.conf": "[logfiles]\nfull => notice,warning,error,verbose(3)\n",
            "rtp.conf": "[general]\nrtpstart = 41000\nrtpend = 41999\n",
            "pjsip.conf": PJSIP_CONF.format(port=self.port),
            "extensions.conf": EXTENSIONS_CONF,
            "queues.conf": QUEUES_CONF,
        }
        for name, content in files.items():
            (etc / name).write_text(content)
        shutil.copy(RECIPE / "callvane-extensions.conf", etc)
        recipe = (RECIPE / "callvane-pjsip.conf").read_text()
        assert recipe.count("BRIDGE:5060") == 1
        (etc / "callvane-pjsip.conf").write_text(recipe.replace("BRIDGE:5060", "{}:{}".format(*self._bridge)))


@contextmanager
def asterisk(system: Path, folder: Path, bridge: tuple[str, int]) -> Iterator[Asterisk]:
    """An Asterisk that is running inside."""
    with held_port() as port:
        server = Asterisk(system, folder, port, bridge)
        try:
            server.start()
            yield server
        finally:
            server.stop()
