"""A whole AS2 server for the tests: django-pyas2, in this process, asked over lines of JSON.

Each line asks for one thing and is answered by one line. The first line that it says is the port that it listens on.
"""

import base64
import json
import logging
import sys
import tempfile
import threading
from unittest.mock import patch
from wsgiref.simple_server import WSGIRequestHandler, make_server

import django
import requests
from django.conf import settings
from django.core.management import call_command
from django.core.wsgi import get_wsgi_application
from django.urls import path


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


server = make_server("127.0.0.1", 0, None, handler_class=Quiet)
folder = tempfile.TemporaryDirectory()
own = f"http://127.0.0.1:{server.server_port}/in"
urlpatterns = []
settings.configure(
    SECRET_KEY="tests",
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=sys.modules[__name__],
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "pyas2"],
    DATABASES={
        "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": f"{folder.name}/db"}
    },
    DEFAULT_AUTO_FIELD="django.db.models.AutoField",
    MEDIA_ROOT=folder.name,
    DATA_UPLOAD_MAX_MEMORY_SIZE=None,
    PYAS2={"MDN_URL": own},
    LOGGING_CONFIG=None,
)
django.setup()
logging.disable(logging.CRITICAL)

from pyas2 import models, views  # noqa: E402  (Django has to be set up first)
from pyas2lib import Message  # noqa: E402

urlpatterns.append(path("in", views.ReceiveAs2Message.as_view()))
call_command("migrate", verbosity=0)
application = get_wsgi_application()
# It writes a message's state down after it was sent, over what a receipt has made of it in the meantime.
one_at_a_time = threading.Lock()


def app(environ, start_response):
    with one_at_a_time:
        return application(environ, start_response)


server.set_app(app)
threading.Thread(target=server.serve_forever, daemon=True).start()
made = {}


def setup(job):
    """Who is who, and where the other side is."""
    key = models.PrivateKey.objects.create(name="ours", key=job["key"].encode(), key_pass="")
    models.Organization.objects.create(
        name="us", as2_name=job["us"], encryption_key=key, signature_key=key
    )
    certificate = models.PublicCertificate.objects.create(
        name="theirs", certificate=job["certificate"].encode(), verify_cert=False
    )
    models.Partner.objects.create(
        name="them",
        as2_name=job["them"],
        target_url=job["url"],
        encryption="aes_128_cbc",
        encryption_cert=certificate,
        signature="sha256",
        signature_cert=certificate,
        mdn=True,
        mdn_mode="SYNC",
        mdn_sign="sha256",
    )
    return {}


def mode(job):
    """When receipts are to come."""
    models.Partner.objects.update(mdn_mode=job["mode"])
    return {}


def send(job):
    """Sends a message as often as asked: the same one."""
    organization = models.Organization.objects.get()
    partner = models.Partner.objects.get()
    message = Message(organization.as2org, partner.as2partner)
    content = base64.b64decode(job["content"])
    message.build(
        content,
        filename="order.edi",
        content_type="application/EDI-X12",
        disposition_notification_to="us@example.com",
    )
    record, _ = models.Message.objects.create_from_as2message(
        as2message=message,
        payload=content,
        filename="order.edi",
        direction="OUT",
        status="P",
    )
    if partner.mdn_mode == "SYNC":
        # Otherwise it compares none: it does not keep it.
        record.mic = message.mic
    states = []
    for _ in range(job["times"]):
        record.send_message(message.headers, message.content)
        states.append(record.status)
    return {"states": states, "words": record.detailed_status}


def mdns(job):
    """Sends the receipts that are to come later. Where they are wanted is told; they go to where the tests listen."""
    waiting = models.Mdn.objects.filter(status="P")
    wanted = [one.return_url for one in waiting]
    waiting.update(return_url=job["url"])
    answers, really = [], requests.post

    def post(*arguments, **named):
        answer = really(*arguments, **named)
        answers.append([answer.status_code, answer.text])
        return answer

    with patch("requests.post", post):
        call_command("manageas2server", "--async-mdns", stdout=sys.stderr)
    return {"wanted": wanted, "answers": answers}


def messages(_):
    """All messages, the oldest first."""
    all = models.Message.objects.order_by("id")
    return [
        {
            "direction": one.direction,
            "status": one.status,
            "words": one.detailed_status,
            "security": [one.signed, one.encrypted],
            "content": base64.b64encode(one.payload.read()).decode(),
        }
        for one in all
    ]


print(json.dumps(server.server_port), flush=True)
for line in sys.stdin:
    job = json.loads(line)
    act = {"setup": setup, "mode": mode, "send": send, "mdns": mdns, "messages": messages}
    with one_at_a_time:
        answer = act[job["act"]](job)
    print(json.dumps(answer), flush=True)
