//! What the store or a damaged record may do to the gateway: it goes on where it can, and ends plainly where not.

use crossdock::store::{
    Change, EmbeddedStore, Event, NewWork, Outcome, Records, Task, Transaction,
};

use super::house::{CONFIG, House, PROFILE, multi, order};

const ORDERS: &str = "warehouse/harbor-and-pine/orders";
const INBOUND: &str = "mailboxes/harbor-and-pine/inbound";

fn queued(folder: &std::path::Path, lane: &str, task: Task) {
    let store = EmbeddedStore::open(&folder.join("data")).unwrap();
    let (lane, due) = (lane.to_owned(), jiff::Timestamp::now());
    let work = NewWork { lane, order: String::new(), task, due };
    store.commit(Transaction::new().with(Change::Queue(work))).unwrap();
}

#[test]
fn work_that_can_neither_be_done_nor_given_up_does_not_end_the_gateway() {
    let folder = tempfile::tempdir().unwrap();
    let task = Task::Translate { receipt: 99, again: None };
    queued(folder.path(), "receive mailboxes/harbor-and-pine", task);
    multi().block_on(async {
        let config = format!("{CONFIG}retry_seconds_max = 1\n");
        let mut house = House::within(folder, &config, PROFILE);
        for _ in 0..4 {
            let failed = house.wait(Event::AttemptFailed).await;
            assert!(failed.entry.note.contains("receipt 99 is unknown"), "{failed:?}");
        }
        house.drop_inbound("order.edi", &order(1, "PO-1"));
        house.wait(Event::DocumentDelivered).await;
        assert_eq!(house.outcomes(), [Outcome::Accepted]);
        house.close().await;
    });
}

/// A disk that takes no more: the operating system refuses to make the database any larger.
#[cfg(unix)]
#[test]
fn a_store_that_cannot_write_ends_the_gateway_with_a_reason_and_nothing_is_lost() {
    use std::process::{Command, Stdio};
    let folder = tempfile::tempdir().unwrap();
    let partner = folder.path().join("partners/harbor-and-pine");
    std::fs::create_dir_all(&partner).unwrap();
    std::fs::write(partner.join("partner.toml"), PROFILE.replace("= 5 ", "= 1 ")).unwrap();
    std::fs::write(folder.path().join("crossdock.toml"), CONFIG).unwrap();
    let inbound = folder.path().join(INBOUND);
    std::fs::create_dir_all(&inbound).unwrap();
    for number in 1..=400 {
        let text = order(number, &format!("PO-{number}"));
        std::fs::write(inbound.join(format!("{number}.edi")), text).unwrap();
    }
    let serve = "trap '' XFSZ; ulimit -f 1100; exec \"$0\" serve --config \"$1\"";
    let ended = Command::new("sh")
        .args(["-c", serve, env!("CARGO_BIN_EXE_crossdock")])
        .arg(folder.path().join("crossdock.toml"))
        .env("RUST_LOG", "error")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(2), "{words}");
    assert!(words.contains("the database failed while"), "{words}");

    // With room on the disk it goes on where it stood.
    multi().block_on(async {
        let house = House::within(folder, CONFIG, PROFILE);
        house.until(|house| house.names(ORDERS).len() >= 400).await;
        house.until(|house| house.names(INBOUND).is_empty()).await;
        assert_eq!(house.names(ORDERS).len(), 400);
        let ended = house.gateway.store().interchanges(None, 1000).unwrap();
        assert_eq!(ended.len(), 400);
        assert!(ended.iter().all(|(_, record)| record.outcome == Outcome::Accepted));
        house.close().await;
    });
}
