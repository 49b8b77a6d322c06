//! The service against a whole server that is not ours, django-pyas2, over HTTP: both ways, with receipts at once and
//! later, and with repeats.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crossdock::store::{As2State, Event};
use serde_json::{Value, json};

use super::partner::{Partner, Service, THEM, URL, US};
use super::pyas2::{Script, bytes, setup};
use crate::house::{multi, order};

/// The server, and a gateway whose partner it is.
async fn both() -> Option<(Script, Service)> {
    let mut django = Script::start("django/server.py", "pyas2")?;
    let port = django.answer().as_u64().unwrap();
    let mut partner = Partner::open();
    partner.server.set_port(u16::try_from(port).unwrap());
    let names = setup((THEM, US), (&partner.theirs, &partner.ours));
    let service = Service::with(partner, |_| {}, "receipt = \"sync\"").await;
    let mut job = names;
    job["url"] = json!(format!("http://{}/as2", service.address));
    django.ask(&job);
    Some((django, service))
}

/// Has the server send an order, as often as there are states that the receipts for it come to.
fn send(django: &mut Script, number: u32, states: &[&str]) {
    let content = STANDARD.encode(order(number, &format!("PO-{number}")));
    let job = json!({"act": "send", "content": content, "times": states.len()});
    let said = tokio::task::block_in_place(|| django.ask(&job));
    assert_eq!(said["states"], json!(states), "{said}");
}

/// How a 997 of ours stands here and there.
async fn sent(django: &mut Script, service: &mut Service) -> (As2State, Value) {
    let record = service.house.wait(Event::InterchangeSent).await;
    let store = service.house.gateway.store();
    let content = store.payload(record.entry.payload.unwrap()).unwrap();
    let all = tokio::task::block_in_place(|| django.ask(&json!({"act": "messages"})));
    let last = all.as_array().unwrap().iter().rfind(|one| one["direction"] == "IN").unwrap();
    assert_eq!(bytes(&last["content"]), content, "{last}");
    assert_eq!(last["security"], json!([true, true]));
    let message = store.as2_sent(record.entry.payload.unwrap()).unwrap().remove(0);
    (message.state, last["status"].clone())
}

#[test]
fn the_service_and_django_pyas2_exchange_messages_and_receipts_at_once_and_later() {
    multi().block_on(async {
        let Some((mut django, mut service)) = both().await else { return };
        // At once, and once more: the same receipt.
        send(&mut django, 1, &["S", "S"]);
        assert_eq!(service.house.wait(Event::As2Receipt).await.entry.note, "processed");
        let stands = sent(&mut django, &mut service).await;
        assert_eq!(stands, (As2State::Processed, json!("S")));

        // Later, both ways.
        service.change("receipt = \"sync\"", "receipt = \"async\"").await;
        django.ask(&json!({"act": "mode", "mode": "ASYNC"}));
        send(&mut django, 2, &["P"]);
        service.house.wait(Event::As2ReceiptSent).await;
        let stands = sent(&mut django, &mut service).await;
        assert_eq!(stands, (As2State::Awaited, json!("S")));
        let url = format!("http://{}/as2", service.address);
        let job = json!({"act": "mdns", "url": url});
        let told = tokio::task::block_in_place(|| django.ask(&job));
        assert_eq!(told, json!({"wanted": [URL], "answers": [[200, ""]]}));
        assert_eq!(service.house.wait(Event::As2Receipt).await.entry.note, "processed");
        // Its own messages have their receipts.
        let all = django.ask(&json!({"act": "messages"}));
        let out = all.as_array().unwrap().iter().filter(|one| one["direction"] == "OUT");
        assert!(out.clone().all(|one| one["status"] == "S") && out.count() == 2, "{all}");
        assert_eq!(service.kinds(), []);
        service.close().await;
    });
}
