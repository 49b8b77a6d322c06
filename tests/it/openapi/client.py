"""Uses a client that was generated from our OpenAPI document: FOLDER URL TOKEN INVOICE, and prints what it got."""

import json
import sys

folder, url, token, invoice = sys.argv[1:]
sys.path.insert(0, folder)

from generated import AuthenticatedClient  # noqa: E402
from generated.api.documents import list_, show, submit  # noqa: E402
from generated.models import CanonicalInvoice, Problem  # noqa: E402

client = AuthenticatedClient(base_url=url, token=token)
body = CanonicalInvoice.from_dict(json.load(open(invoice)))


def send(key, body):
    return submit.sync_detailed("harbor-and-pine", client=client, body=body, idempotency_key=key)


first, again = send("one", body), send("one", body)
body.total = "1.00"
other = send("one", body)
assert isinstance(other.parsed, Problem), other
page = list_.sync(client=client)
shown = show.sync(first.parsed.id, client=client)
print(
    json.dumps(
        {
            "first": first.status_code,
            "again": again.status_code,
            "same": first.parsed == again.parsed,
            "other": other.status_code,
            "why": other.parsed.detail,
            "listed": [one.id for one in page.items],
            "shown": shown.id,
            "id": first.parsed.id,
        }
    )
)
