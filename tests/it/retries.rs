//! What fails is tried again until it succeeds; what is refused waits for a person, and is sent again when told.

use crossdock::store::{
    Change, Document, DocumentState, EmbeddedStore, Event, NewWork, Records, Store, Taken, Task,
    Transaction,
};

use super::house::{CONFIG, House, PROFILE, multi, order, warehouse};

pub fn http(address: std::net::SocketAddr) -> String {
    let endpoint = format!("url = \"http://{address}\"\nreturns = \"warehouse\"");
    CONFIG.replace("folder = \"warehouse\"", &endpoint)
}

/// A store in which a call has failed often before.
pub fn with_a_call_that_has_failed(attempts: u32) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(&folder.path().join("data")).unwrap();
    let now = jiff::Timestamp::now();
    let lane = "call harbor-and-pine";
    let document = Document {
        id: "order-1".into(),
        partner: "harbor-and-pine".into(),
        kind: "order".into(),
        number: "1".into(),
        state: DocumentState::Queued,
        payload: store.put_payload(b"{}").unwrap(),
        interchange: None,
        rendered: None,
        edited: false,
        at: now,
    };
    let task = Task::Call { document: document.id.clone() };
    let queue = NewWork { lane: lane.into(), order: String::new(), task, due: now };
    let first = Transaction::new().with(Change::Document(document)).with(Change::Queue(queue));
    store.commit(first).unwrap();
    let Taken::Work(works) = store.take(lane, now, 1).unwrap() else { panic!("it is queued") };
    let work = works[0].id;
    for _ in 0..attempts {
        let (lane, error) = (lane.to_owned(), "the warehouse is closed".to_owned());
        let retry = Change::Retry { lane, work, due: now, error };
        store.commit(Transaction::new().with(retry)).unwrap();
    }
    folder
}

#[test]
fn an_endpoint_that_is_down_for_days_or_configured_wrongly_gets_its_documents_when_it_is_back() {
    let (address, _requests) = warehouse(&[
        "503 Busy\r\nretry-after: 0",
        "401 Unauthorized\r\nretry-after: 0",
        "403 Forbidden\r\nretry-after: 0",
        "404 Not Found\r\nretry-after: 0",
        "409 Conflict\r\nretry-after: 0",
        "302 Found\r\nretry-after: 0",
        "200 OK",
    ]);
    multi().block_on(async {
        let folder = with_a_call_that_has_failed(500);
        let mut house = House::within(folder, &http(address), PROFILE);
        house.wait(Event::DocumentDelivered).await;
        assert_eq!(house.gateway.store().parked(10).unwrap(), vec![]);
        house.close().await;
    });
}

#[test]
fn what_an_endpoint_refuses_waits_for_a_person_and_is_sent_again_when_told() {
    let (address, _requests) = warehouse(&["422 Unprocessable", "200 OK"]);
    multi().block_on(async {
        let mut house = House::with(&http(address), PROFILE);
        house.drop_inbound("order.edi", &order(1, "PO-1"));
        let parked = house.wait(Event::WorkParked).await;
        assert!(parked.entry.note.contains("422"), "{}", parked.entry.note);
        let told = std::process::Command::new(env!("CARGO_BIN_EXE_crossdock"))
            .args(["requeue", "--config"])
            .arg(house.path("crossdock.toml"))
            .env("USER", "dana")
            .output()
            .unwrap();
        assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
        house.wait(Event::WorkQueuedAgain).await;
        house.wait(Event::DocumentDelivered).await;
        assert_eq!(house.gateway.store().parked(10).unwrap(), vec![]);
        house.close().await;
    });
}
