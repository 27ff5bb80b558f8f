"""What test_supervision kills: a server as far as its lake goes."""

import sys
import threading

import msgspec

from shangyi.lake.process import Task
from shangyi.lake.supervision import Supervisor

if __name__ == "__main__":
    Supervisor(msgspec.json.decode(sys.stdin.readline(), type=Task), threading.Event()).run(wait_s=0)
