"""The AS2 peer of the tests: pyas2lib, asked over lines of JSON.

Each line asks for one thing and is answered by one line. Bytes travel as base64.
"""

import base64
import json
import logging
import sys

from pyas2lib import as2

logging.disable(logging.CRITICAL)

sent = {}
us = None
them = None


def encoded(data):
    return base64.b64encode(data).decode()


def raw(job):
    head = "".join(f"{name}: {value}\r\n" for name, value in job["headers"])
    return head.encode() + b"\r\n" + base64.b64decode(job["body"])


def whole(message):
    return {"headers": list(message.headers.items()), "body": encoded(message.content)}


def setup(job):
    """Who is who: the key of this side, the certificate of the other."""
    global us, them
    key = job["key"].encode()
    us = dict(as2_name=job["us"], sign_key=key, decrypt_key=key, domain="peer")
    certificate = job["certificate"].encode()
    them = dict(
        as2_name=job["them"],
        verify_cert=certificate,
        encrypt_cert=certificate,
        validate_certs=False,
    )
    return {}


def pack(job):
    """Makes a message for the other side."""
    partner = as2.Partner(**them, **job["partner"])
    message = as2.Message(as2.Organization(**us, mdn_url=job.get("mdn_url")), partner)
    message.build(
        base64.b64decode(job["content"]),
        filename=job["filename"],
        content_type=job["type"],
    )
    sent[message.message_id] = message
    mic = message.mic.decode() if message.mic else None
    return dict(whole(message), id=message.message_id, mic=mic)


def unpack(job):
    """Takes a message of the other side, and answers it."""
    message = as2.Message()
    partner = as2.Partner(**them)
    status, error, mdn = message.parse(
        raw(job), lambda _: as2.Organization(**us), lambda _: partner
    )
    answer = {"status": status, "error": str(error[0])}
    if error[0] is None:
        answer["content"] = encoded(message.content)
        answer["filename"] = message.payload.get_filename()
        answer["id"] = message.message_id
        answer["signed"] = message.signed
        answer["encrypted"] = message.encrypted
        answer["compressed"] = message.compressed
    answer["mdn"] = whole(mdn) if mdn else None
    return answer


def receipt(job):
    """Takes the receipt for a message that was sent."""
    mdn = as2.Mdn()
    status, words = mdn.parse(raw(job), lambda id, _: sent.get(id))
    return {"status": status, "words": words, "digest": mdn.digest_alg}


for line in sys.stdin:
    job = json.loads(line)
    act = {"setup": setup, "pack": pack, "unpack": unpack, "receipt": receipt}
    print(json.dumps(act[job["act"]](job)), flush=True)
