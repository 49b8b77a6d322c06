//! Commands beside a running gateway: they ask it for its records, and add to them through it.

use crossdock::gateway::{Config, Records, StoreError, open_records};
use crossdock::store::{Change, Event, JournalEntry, Outcome, PayloadId, Transaction};

use super::house::{House, multi, order};

fn entry(subject: &str) -> JournalEntry {
    JournalEntry {
        at: jiff::Timestamp::UNIX_EPOCH,
        event: Event::WorkQueuedAgain,
        partner: String::new(),
        subject: subject.to_owned(),
        payload: None,
        facts: crossdock::store::Facts::default(),
        note: String::new(),
    }
}

/// Everything that tells a story, as text.
fn story(records: &dyn Records) -> String {
    let documents = records.documents(None, 100).unwrap();
    let interchanges = records.interchanges(None, 100).unwrap();
    let expectations = records.all_expectations(None, 100).unwrap();
    let journal = records.journal(0, 1000).unwrap();
    format!("{documents:#?}\n{interchanges:#?}\n{expectations:#?}\n{journal:#?}")
}

#[test]
fn a_command_sees_what_the_running_gateway_sees_and_adds_to_it() {
    multi().block_on(async {
        let mut house = House::open();
        let config = Config::read(&house.path("crossdock.toml")).unwrap();
        house.drop_inbound("order.edi", &order(1, "PO-1"));
        house.wait(Event::DocumentDelivered).await;
        house.wait(Event::InterchangeSent).await;
        let beside = tokio::task::spawn_blocking(move || {
            let records = open_records(&config).unwrap();
            let (_, interchange) = records.interchanges(None, 1).unwrap().remove(0);
            assert_eq!(interchange.outcome, Outcome::Accepted);
            let bytes = records.payload(interchange.payload).unwrap();
            assert_eq!(bytes, order(1, "PO-1").trim_end().as_bytes());
            let id = records.put_payload(b"an edited one").unwrap();
            assert_eq!(records.payload(id).unwrap(), b"an edited one");
            let missing = records.payload(PayloadId::of(b"never stored"));
            assert!(
                matches!(missing, Err(StoreError::Elsewhere(words)) if words.contains("payload"))
            );
            let journal = Change::Journal(entry("by a person"));
            let told = records.commit(Transaction::new().with(journal)).unwrap();
            assert_eq!(told.len(), 1);
            let done = Change::FinishReceipt(99);
            let refused = records.commit(Transaction::new().with(done));
            assert!(matches!(refused, Err(StoreError::Conflict(words)) if words.contains("99")));
            story(records.as_ref())
        });
        let seen = beside.await.unwrap();
        // The gateway's own subscribers hear of what the command did.
        let record = house.wait(Event::WorkQueuedAgain).await;
        assert_eq!(record.entry.subject, "by a person");
        assert_eq!(seen, story(house.gateway.store()));
        house.close().await;
    });
}

#[test]
fn a_command_reads_the_store_itself_where_no_gateway_runs() {
    let (folder, seen) = multi().block_on(async {
        let mut house = House::open();
        house.drop_inbound("order.edi", &order(1, "PO-1"));
        house.wait(Event::DocumentDelivered).await;
        house.wait(Event::InterchangeSent).await;
        let seen = story(house.gateway.store());
        (house.close().await, seen)
    });
    let config = Config::read(&folder.path().join("crossdock.toml")).unwrap();
    let records = open_records(&config).unwrap();
    assert_eq!(story(records.as_ref()), seen);
}

#[test]
fn a_command_waits_for_a_gateway_that_begins_or_ends() {
    multi().block_on(async {
        let folder = House::open().close().await;
        let config = Config::read(&folder.path().join("crossdock.toml")).unwrap();
        // The folder is held, and nobody is at the desk.
        let held = std::fs::File::create(folder.path().join("data/LOCK")).unwrap();
        held.lock().unwrap();
        let opening = tokio::task::spawn_blocking(move || open_records(&config).map(drop));
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        drop(held);
        opening.await.unwrap().unwrap();
    });
}
