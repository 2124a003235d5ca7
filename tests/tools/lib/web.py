"""What the clients share that drive a tool over HTTP, as its page does."""

import json
import urllib.error
import urllib.request

WAIT = 300


def ask(opener: urllib.request.OpenerDirector, address: str, method: str, data: object, headers: dict[str, str]) -> tuple[int, object]:
    """Status and document of an answer, or its text where that is no JSON."""
    body = None if data is None else json.dumps(data).encode()
    request = urllib.request.Request(address, method=method, data=body, headers={"Content-Type": "application/json", **headers})
    try:
        with opener.open(request, timeout=WAIT) as answer:
            status, text = answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read().decode()
    try:
        return status, json.loads(text)
    except ValueError:
        return status, text
