import json
import time


class Kestra:
    """Tells the server of outputs and metrics, by lines on standard output."""

    @staticmethod
    def _tell(message):
        print("::" + json.dumps(message) + "::", flush=True)

    @staticmethod
    def _measure(name, kind, value, tags):
        Kestra._tell({"metrics": [{"name": name, "type": kind, "value": value, "tags": tags or {}}]})

    @staticmethod
    def outputs(values):
        Kestra._tell({"outputs": values})

    @staticmethod
    def counter(name, value, tags=None):
        Kestra._measure(name, "counter", value, tags)

    @staticmethod
    def timer(name, duration, tags=None):
        """Records a number of seconds, or how long a function takes."""
        if callable(duration):
            began = time.monotonic()
            duration()
            duration = time.monotonic() - began
        Kestra._measure(name, "timer", duration, tags)
