//! Several documents leave in one message (RFC 6362), where that was agreed.

use std::collections::BTreeSet;

use crossdock::exceptions::Kind;
use crossdock::store::{As2Message, As2State, Event};
use crossdock::transport::as2::mdn::Disposition;

use super::partner::{Http, Service, Taker, groups, post};
use super::service::sent;
use crate::house::multi;

/// A partner who takes three documents at a time, and whose groups are answered each by itself.
async fn service(more: &str) -> Service {
    let mut service = Service::open(&format!("documents_max = 3\n{more}")).await;
    let section = "[acknowledgements]\n";
    service.change(section, &format!("{section}batch = \"group\"\n")).await;
    service
}

/// Has the gateway write so many 997s at the same moment.
async fn provoke(service: &mut Service, count: u32) {
    let message = service.partner.message("in@them", groups(count).as_bytes(), None);
    assert_eq!(service.post(&message).status(), 200);
    for _ in 0..count {
        service.house.wait(Event::AcknowledgementRendered).await;
    }
}

/// The record of a message.
fn record(service: &Service, request: &Http) -> As2Message {
    sent(service, request.headers.get("Message-ID").unwrap())
}

/// The names of the documents in a message.
fn names(service: &Service, request: &Http) -> Vec<String> {
    let (_, documents) = Taker::good(&service.partner).receipt_of_all(request);
    documents.into_iter().map(|(name, _)| name).collect()
}

#[test]
fn documents_that_wait_together_leave_in_one_message() {
    multi().block_on(async {
        let mut service = service("").await;
        let taker = Taker::good(&service.partner);
        service.partner.answer(move |request| taker.answer(request));
        provoke(&mut service, 5).await;
        let mut told = BTreeSet::new();
        for _ in 0..5 {
            told.insert(service.house.wait(Event::InterchangeSent).await.entry.subject);
        }
        let requests = [service.request(), service.request()];
        let [first, second] = requests.each_ref().map(|request| names(&service, request));
        assert_eq!((first.len(), second.len()), (3, 2));
        let all: BTreeSet<String> = first.iter().chain(&second).cloned().collect();
        assert_eq!(all, told, "each is told of by its name");
        // The record of a message is found by each of its documents.
        let message = record(&service, &requests[0]);
        assert_eq!(message.state, As2State::Processed);
        let store = service.house.gateway.store();
        let (_, documents) = Taker::good(&service.partner).receipt_of_all(&requests[0]);
        for (content, (_, bytes)) in message.contents().zip(&documents) {
            assert_eq!(store.payload(content).unwrap(), *bytes);
            assert_eq!(store.as2_sent(content).unwrap(), std::slice::from_ref(&message));
        }
        for _ in 0..5 {
            let record = service.house.wait(Event::As2Receipt).await;
            assert!(told.remove(&record.entry.subject), "{}", record.entry.subject);
        }
        assert_eq!(service.kinds(), []);
        service.close().await;
    });
}

#[test]
fn of_a_message_that_was_refused_each_document_is_tried_again_by_itself() {
    multi().block_on(async {
        for more in ["", "receipt = \"async\""] {
            let mut service = service(more).await;
            let is_later = !more.is_empty();
            let bad = || {
                let disposition = Disposition::Error("unexpected-processing-error".to_owned());
                (disposition, false)
            };
            let mut taker = Taker::good(&service.partner);
            (taker.disposition, taker.mic) = bad();
            service.partner.answer(move |request| {
                if is_later {
                    return ("200 OK".to_owned(), vec![], vec![]);
                }
                taker.answer(request)
            });
            provoke(&mut service, 2).await;
            let request = service.request();
            if is_later {
                service.house.wait(Event::InterchangeSent).await;
                service.house.wait(Event::InterchangeSent).await;
                let mut taker = Taker::good(&service.partner);
                (taker.disposition, taker.mic) = bad();
                let (part, _) = taker.receipt(&request);
                let address = service.address;
                let answer =
                    tokio::task::block_in_place(|| post(address, &part.headers, &part.body));
                assert_eq!(answer.status(), 200);
            }
            service.house.wait(Event::WorkParked).await;
            assert_eq!(names(&service, &request).len(), 2, "{more}");
            let open = service.exceptions();
            assert_eq!((open.len(), open[0].kind), (1, Kind::As2ReceiptNegative), "{more}");
            let all = names(&service, &request);
            assert!(all.iter().all(|name| open[0].words.contains(name)), "{}", open[0].words);

            let taker = Taker::good(&service.partner);
            service.partner.answer(move |request| taker.answer(request));
            let id = open[0].id.to_string();
            let (_, code) = service.house.command(&["exceptions", "retry", &id, "--who", "dana"]);
            assert_eq!(code, 0);
            let mut alone = BTreeSet::new();
            for _ in 0..2 {
                let names = names(&service, &service.request());
                assert_eq!(names.len(), 1, "{more}");
                alone.extend(names);
            }
            assert_eq!(alone, names(&service, &request).into_iter().collect(), "{more}");
            service.close().await;
        }
    });
}

#[test]
fn documents_that_are_stuck_together_leave_by_themselves_once_that_is_agreed() {
    multi().block_on(async {
        for is_folder in [false, true] {
            let mut service = service("").await;
            let taker = Taker::good(&service.partner);
            // It takes one document at a time, whatever was agreed.
            service.partner.answer(move |request| {
                if taker.receipt_of_all(request).1.len() > 1 {
                    return ("500 Internal Server Error".to_owned(), vec![], vec![]);
                }
                taker.answer(request)
            });
            provoke(&mut service, 2).await;
            let request = service.request();
            let together: BTreeSet<String> = names(&service, &request).into_iter().collect();
            assert_eq!(together.len(), 2);
            if is_folder {
                let profile = service.house.path("partners/harbor-and-pine/partner.toml");
                let text = std::fs::read_to_string(profile).unwrap();
                let from = text.find("[mailbox.as2]").unwrap();
                let end = text[from..].find("\n[").map_or(text.len(), |at| from + at);
                service.change(&text[from..end], "").await;
            } else {
                service.change("documents_max = 3", "documents_max = 1").await;
            }
            let mut told = BTreeSet::new();
            for _ in 0..2 {
                told.insert(service.house.wait(Event::InterchangeSent).await.entry.subject);
            }
            assert_eq!(told, together);
            if is_folder {
                let folder = service.house.path("mailboxes/harbor-and-pine/outbound");
                let there = std::fs::read_dir(folder).unwrap().map(|one| one.unwrap().file_name());
                let there: BTreeSet<String> =
                    there.map(|name| name.into_string().unwrap()).collect();
                assert_eq!(there, together);
            } else {
                assert_eq!(record(&service, &request).state, As2State::Refused);
            }
            assert_eq!(service.kinds(), []);
            service.close().await;
        }
    });
}
