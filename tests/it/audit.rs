//! The audit log tells when it was changed, and what it told can be shown to others.

use std::fs;
use std::path::{Path, PathBuf};

use crossdock::audit::{
    Checkpoint, Key, Log, PublicKey, Report, Signer, origin, own_key, pack, public_keys, verify,
};
use crossdock::exceptions::Kind;
use crossdock::store::{
    Change, EmbeddedStore, Event, ExceptionItem, Facts, JournalEntry, Raise, Records, Store,
    Subject, Transaction,
};
use jiff::Timestamp;

use super::gateway::{INVOICE, acknowledgement};
use super::house::{CONFIG, House, PROFILE, multi, order};

/// A seeded generator (xorshift64*), so that a run can be repeated.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11;
        usize::try_from(number % bound as u64).unwrap()
    }
}

/// A log of so many entries, in files of 2 KB, signed at every thirtieth.
fn log_of(folder: &Path, entries: u64, key: &Path) {
    Log::create(folder).unwrap();
    let sync = Box::new(|_: &fs::File| Ok(()));
    let (mut log, _) = Log::open_with(folder, 0, sync, 2_000).unwrap();
    let key = own_key(key, log.id()).unwrap();
    let mut signer = Signer::open(folder, log.id(), key, log.tree()).unwrap();
    for number in 1..=entries {
        let mut group = log.group();
        let body = format!(r#""put":{{"n{number}":{{"at":"2026-03-02T10:00:00Z","n":{number}}}}}"#);
        group.push(Timestamp::UNIX_EPOCH, "gateway", body.as_bytes());
        log.write(group).unwrap();
        if number % 30 == 0 {
            signer.sign(log.tree(), true).unwrap();
        }
    }
    signer.sign(log.tree(), true).unwrap();
}

fn verified(folder: &Path, keys: &[PublicKey], kept: &[Checkpoint]) -> Report {
    verify(folder, keys, kept, &mut |_| {}).unwrap()
}

fn segments(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().contains(".log"))
        .collect();
    files.sort();
    files
}

/// Where the lines of a file begin, but the first, which is its head.
fn lines(bytes: &[u8]) -> Vec<std::ops::Range<usize>> {
    let ends: Vec<usize> = (0..bytes.len()).filter(|&at| bytes[at] == b'\n').collect();
    ends.windows(2).map(|two| two[0] + 1..two[1] + 1).collect()
}

/// The number of the entry that a place of a file is in; that of its first where the place is in its head.
fn entry_at(path: &Path, bytes: &[u8], at: usize) -> u64 {
    let first: u64 = path.file_stem().unwrap().to_str().unwrap().parse().unwrap();
    let before = lines(bytes).iter().filter(|line| line.end <= at).count();
    first + before as u64
}

#[test]
fn every_edit_removal_and_swap_is_detected_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let (audit, key) = (folder.path().join("audit"), folder.path().join("audit.key"));
    log_of(&audit, 75, &key);
    let keys = public_keys(&audit).unwrap();
    let whole = verified(&audit, &keys, &[]);
    assert_eq!((whole.entries, whole.signed, whole.fault.clone()), (75, 75, None));
    let files = segments(&audit);
    assert!(files.len() > 4, "{files:?}");
    let mut dice = Dice(0x0C05_5D0C);
    for round in 0..1_000 {
        let path = &files[dice.below(files.len())];
        let before = fs::read(path).unwrap();
        let lines = lines(&before);
        let mut after = before.clone();
        let first = match round % 4 {
            0 | 1 => {
                let at = dice.below(before.len());
                after[at] ^= 1 << dice.below(8);
                entry_at(path, &before, at)
            }
            2 => {
                let line = lines[dice.below(lines.len())].clone();
                after.drain(line.clone());
                entry_at(path, &before, line.start)
            }
            _ => {
                let (one, other) = (dice.below(lines.len()), dice.below(lines.len() - 1));
                let other = if other >= one { other + 1 } else { other };
                let (one, other) = (lines[one.min(other)].clone(), lines[one.max(other)].clone());
                after = [
                    &before[..one.start],
                    &before[other.clone()],
                    &before[one.end..other.start],
                    &before[one.clone()],
                    &before[other.end..],
                ]
                .concat();
                entry_at(path, &before, one.start)
            }
        };
        fs::write(path, &after).unwrap();
        let fault = verified(&audit, &keys, &[]).fault;
        let fault = fault.unwrap_or_else(|| panic!("round {round}: nothing was found"));
        // Of the last two nothing that follows tells which it was.
        let named = fault.entry.unwrap();
        assert!(named == first || first == 75 && named == 74, "round {round}: {first}, {fault:?}");
        fs::write(path, &before).unwrap();
    }
    assert_eq!(verified(&audit, &keys, &[]), whole);
}

#[test]
fn compressed_files_and_checkpoints_are_watched_too() {
    let folder = tempfile::tempdir().unwrap();
    let (audit, key) = (folder.path().join("audit"), folder.path().join("audit.key"));
    log_of(&audit, 75, &key);
    pack(&audit).unwrap();
    let keys = public_keys(&audit).unwrap();
    assert_eq!(verified(&audit, &keys, &[]).fault, None);
    let (packed, plain): (Vec<PathBuf>, Vec<PathBuf>) =
        segments(&audit).into_iter().partition(|path| path.extension().unwrap() == "zst");
    assert_eq!(plain.len(), 1);
    let mut dice = Dice(0x0C05_5D0C);
    for round in 0..300 {
        let watched = ["checkpoint", "checkpoints"].map(|name| audit.join(name));
        let path = if round % 3 == 0 {
            &watched[dice.below(2)]
        } else {
            &packed[dice.below(packed.len())]
        };
        let before = fs::read(path).unwrap();
        let mut after = before.clone();
        let at = dice.below(before.len());
        after[at] ^= 1 << dice.below(8);
        fs::write(path, &after).unwrap();
        let fault = verified(&audit, &keys, &[]).fault;
        // Some bits of a compressed file mean nothing: then it is the same text.
        let same = path.extension().is_some_and(|end| end == "zst")
            && zstd::decode_all(&after[..]).ok() == zstd::decode_all(&before[..]).ok();
        assert!(fault.is_some() || same, "round {round}: byte {at} of {path:?}");
        fs::write(path, &before).unwrap();
    }
    for path in packed.iter().chain(&plain) {
        let away = folder.path().join("away");
        fs::rename(path, &away).unwrap();
        assert!(verified(&audit, &keys, &[]).fault.is_some(), "without {path:?}");
        fs::rename(&away, path).unwrap();
    }
    assert_eq!(verified(&audit, &keys, &[]).fault, None);
}

/// Who has the key can write another log that is of one piece. Whoever has kept a checkpoint of the first sees it.
#[test]
fn a_log_that_was_written_anew_does_not_fit_to_a_checkpoint_that_was_kept() {
    let folder = tempfile::tempdir().unwrap();
    let audit = folder.path().join("audit");
    log_of(&audit, 30, &folder.path().join("audit.key"));
    let keys = public_keys(&audit).unwrap();
    let note = fs::read_to_string(audit.join("checkpoint")).unwrap();
    let kept = Checkpoint::read(&note, &keys).unwrap();
    assert_eq!(kept.size, 30);
    assert_eq!(verified(&audit, &keys, std::slice::from_ref(&kept)).fault, None);
    // The same log, cut before entry 25 and signed again.
    let first = fs::read_to_string(segments(&audit).pop().unwrap()).unwrap();
    let id: serde_json::Value = serde_json::from_str(first.lines().next().unwrap()).unwrap();
    assert_eq!(origin(id["log"].as_str().unwrap()), kept.origin);
    for path in segments(&audit) {
        let bytes = fs::read_to_string(&path).unwrap();
        let mut lines: Vec<&str> = bytes.lines().collect();
        lines.retain(|line| !(25..31).any(|n| line.contains(&format!(r#""sequence":{n},"#))));
        fs::write(&path, format!("{}\n", lines.join("\n"))).unwrap();
        if lines.len() < 2 {
            fs::remove_file(&path).unwrap();
        }
    }
    for name in ["checkpoint", "checkpoints"] {
        fs::remove_file(audit.join(name)).unwrap();
    }
    let sync = Box::new(|_: &fs::File| Ok(()));
    let (log, _) = Log::open(&audit, 0, sync).unwrap();
    let key: Key = fs::read_to_string(folder.path().join("audit.key")).unwrap().parse().unwrap();
    let mut signer = Signer::open(&audit, log.id(), key, log.tree()).unwrap();
    signer.sign(log.tree(), true).unwrap();
    let report = verified(&audit, &keys, &[]);
    assert_eq!((report.entries, report.fault), (24, None));
    let fault = verified(&audit, &keys, &[kept]).fault.unwrap();
    assert!(fault.words.contains("a checkpoint of 30 entries was signed"), "{fault:?}");
    let stranger = Key::generate("crossdock/other").unwrap().public();
    assert!(verified(&audit, &[stranger], &[]).fault.is_some());
}

fn told(subject: &str) -> Transaction {
    let mut transaction = Transaction::new().by("ada");
    transaction.journal(JournalEntry {
        at: Timestamp::UNIX_EPOCH,
        event: Event::FileReceived,
        partner: "harbor".into(),
        subject: subject.into(),
        payload: None,
        note: String::new(),
        facts: Facts::default(),
    });
    transaction
}

#[test]
fn a_store_signs_what_it_does_and_refuses_a_log_that_is_shorter_than_what_was_signed() {
    let folder = tempfile::tempdir().unwrap();
    let audit = folder.path().join("audit");
    let store = EmbeddedStore::open(folder.path()).unwrap();
    store.commit(told("a")).unwrap();
    store.tidy().unwrap();
    let keys = public_keys(&audit).unwrap();
    let signed = |size: u64| {
        let note = fs::read_to_string(audit.join("checkpoint")).unwrap();
        assert_eq!(Checkpoint::read(&note, &keys).unwrap().size, size);
    };
    signed(1);
    store.commit(told("b")).unwrap();
    drop(store);
    signed(2);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(folder.path().join("audit.key")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    // Without the database nothing but the signature tells that the last entry is gone.
    let log = audit.join("000000000001.log");
    let whole = fs::read_to_string(&log).unwrap();
    assert!(whole.contains(r#""by":"ada""#));
    let cut: String = whole.split_inclusive('\n').take(2).collect();
    fs::write(&log, cut).unwrap();
    fs::remove_dir_all(folder.path().join("state")).unwrap();
    let Err(refused) = EmbeddedStore::open(folder.path()) else { panic!("opened") };
    assert!(refused.to_string().contains("a part of the log is lost"), "{refused}");
    fs::write(&log, whole).unwrap();
    let store = EmbeddedStore::open(folder.path()).unwrap();
    assert_eq!(store.journal(0, 9).unwrap().len(), 3);
    drop(store);
    assert_eq!(verified(&audit, &keys, &[]).fault, None);
}

/// The tidying signs, and lets old records go, between commits that wait together.
#[test]
fn entries_follow_each_other_whatever_is_asked_of_the_store_between_them() {
    let folder = tempfile::tempdir().unwrap();
    let store = EmbeddedStore::open(folder.path()).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let store = &store;
            scope.spawn(move || {
                for number in 0..40 {
                    store.commit(told(&format!("{thread} {number}"))).unwrap();
                    if number % 4 == 0 {
                        store.tidy().unwrap();
                    }
                }
            });
        }
    });
    drop(store);
    let audit = folder.path().join("audit");
    let report = verified(&audit, &public_keys(&audit).unwrap(), &[]);
    assert_eq!((report.entries, report.signed, report.fault), (320, 320, None));
}

/// The program with the configuration of a folder: what it prints, and its exit code.
fn command(folder: &Path, arguments: &[&str]) -> (String, i32) {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_crossdock"))
        .env("NO_COLOR", "1")
        .env("CROSSDOCK_CONFIG", folder.join("crossdock.toml"))
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    (String::from_utf8(output.stdout).unwrap(), output.status.code().unwrap())
}

/// Why a command is refused.
fn refused(folder: &Path, arguments: &[&str]) -> String {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_crossdock"))
        .env("CROSSDOCK_CONFIG", folder.join("crossdock.toml"))
        .args(arguments)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    String::from_utf8(output.stderr).unwrap()
}

/// Two orders came in, and an invoice for the first was sent and acknowledged.
fn house_at_work() -> tempfile::TempDir {
    multi().block_on(async {
        let mut house = House::open();
        house.drop_inbound("one.edi", &order(1, "PO-1"));
        house.wait(Event::DocumentDelivered).await;
        house.drop_inbound("two.edi", &order(2, "PO-2"));
        house.wait(Event::DocumentDelivered).await;
        house.drop_outbound("invoices", "a.json", INVOICE);
        house.wait_for(Event::InterchangeSent, |sent| sent.entry.note.contains("invoice")).await;
        let (shown, code) = house.command(&["audit", "verify"]);
        assert!(shown.contains("all as they were written") && code == 0, "{shown}");
        let group = house.gateway.store().all_expectations(None, 9).unwrap()[0].group;
        house.drop_inbound("ack.edi", &acknowledgement(3, u32::try_from(group).unwrap(), "A"));
        house.wait(Event::DocumentAcknowledged).await;
        house.close().await
    })
}

#[test]
fn a_dossier_holds_what_belongs_to_an_order_and_can_be_verified_elsewhere() {
    let folder = house_at_work();
    let folder = folder.path();
    let (listed, _) = command(folder, &["audit", "list", "--po", "PO-1"]);
    for told in
        ["file received", "order-PO-1", "document delivered", "INV-1", "document acknowledged"]
    {
        assert!(listed.contains(told), "{told}: {listed}");
    }
    assert!(!listed.contains("PO-2"), "{listed}");
    let (all, _) = command(folder, &["audit", "list", "--since", "1h"]);
    assert!(all.contains("PO-2"));
    let (theirs, _) = command(folder, &["audit", "list", "--partner", "harbor-and-pine"]);
    assert!(theirs.contains("PO-2") && theirs.contains("INV-1"), "{theirs}");
    let before = command(folder, &["audit", "list", "--until", "1h"]);
    assert_eq!(before, (String::new(), 0));
    let why = refused(folder, &["audit", "list", "--partner", "elsewhere"]);
    assert!(why.contains("elsewhere") && why.contains("harbor-and-pine"), "{why}");
    let why = refused(folder, &["audit", "list", "--since", "1h", "--until", "2h"]);
    assert!(why.contains("is later than --until"), "{why}");

    let bundle = folder.join("dossier");
    let to = bundle.to_str().unwrap();
    let (shown, code) = command(folder, &["audit", "export", "--po", "PO-1", "--to", to]);
    assert_eq!(code, 0, "{shown}");
    let contents = fs::read_to_string(bundle.join("contents.txt")).unwrap();
    for held in [
        "file one.edi, received",
        "order order-PO-1",
        "the answer to interchange 1",
        "invoice invoice-INV-1",
        "as it was sent",
        "interchange 3, received",
    ] {
        assert!(contents.contains(held), "{held}: {contents}");
    }
    let (key, _) = command(folder, &["audit", "key"]);
    let verified = |key: &str| {
        let (shown, code) =
            command(folder, &["audit", "verify", "--bundle", to, "--key", key.trim()]);
        assert!(code == 0 || !shown.contains("Each entry is in the log"), "{shown}");
        code
    };
    assert_eq!(verified(&key), 0);
    assert_eq!(verified(&Key::generate("crossdock/other").unwrap().public().to_string()), 1);
    let bytes = fs::read_dir(bundle.join("bytes")).unwrap().next().unwrap().unwrap().path();
    for file in [
        bundle.join("entries.jsonl"),
        bundle.join("proofs.jsonl"),
        bundle.join("checkpoint"),
        bytes,
    ] {
        let before = fs::read(&file).unwrap();
        let mut after = before.clone();
        let middle = after.len() / 2;
        after[middle] ^= 1;
        fs::write(&file, after).unwrap();
        assert_eq!(verified(&key), 1, "{file:?}");
        fs::write(&file, before).unwrap();
    }
    assert_eq!(verified(&key), 0);
    // What people read, and what is not there any more.
    let timeline = bundle.join("timeline.txt");
    let told = fs::read_to_string(&timeline).unwrap();
    fs::write(&timeline, format!("{told}2026-11-20T00:00:00Z  the partner accepted it\n")).unwrap();
    assert_eq!(verified(&key), 1);
    fs::write(&timeline, told).unwrap();
    let file = fs::read_dir(bundle.join("bytes")).unwrap().next().unwrap().unwrap().path();
    fs::remove_file(file).unwrap();
    assert_eq!(verified(&key), 1);
}

#[test]
fn a_dossier_is_of_one_partner_and_of_what_was_rejected_too() {
    let folder = multi().block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let second = folder.path().join("partners/second");
        fs::create_dir_all(&second).unwrap();
        let profile = PROFILE.replace("6125550100", "7775550100");
        fs::write(second.join("partner.toml"), profile).unwrap();
        let mut house = House::within(folder, CONFIG, PROFILE);
        house.drop_inbound("ours.edi", &order(1, "PO-1"));
        house.drop_inbound("theirs.edi", &order(2, "PO-1").replace("6125550100", "7775550100"));
        for _ in 0..2 {
            house.wait(Event::DocumentDelivered).await;
        }
        house.drop_inbound("bad.edi", &order(3, "PO-3").replace("PO1*1*24*EA", "PO1*1*ten*EA"));
        house.wait(Event::InterchangeRejected).await;
        let (_, code) = house.command(&["exceptions"]);
        assert_eq!(code, 1);
        house.close().await
    });
    let folder = folder.path();
    let export = |number: &str, partner: &[&str], to: &str| {
        let to = folder.join(to);
        let arguments = ["audit", "export", "--po", number, "--to", to.to_str().unwrap()];
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_crossdock"))
            .env("CROSSDOCK_CONFIG", folder.join("crossdock.toml"))
            .args([&arguments, partner].concat())
            .output()
            .unwrap();
        let contents = fs::read_to_string(to.join("contents.txt")).unwrap_or_default();
        (String::from_utf8(output.stderr).unwrap(), contents)
    };
    let (told, _) = export("PO-1", &[], "both");
    assert!(told.contains("several partners: harbor-and-pine, second. Say whose"), "{told}");
    let (told, contents) = export("PO-1", &["--partner", "harbor-and-pine"], "one");
    assert!(told.is_empty() && contents.contains("ours.edi"), "{told}{contents}");
    assert!(!contents.contains("theirs.edi") && !contents.contains("second-997"), "{contents}");
    let (told, contents) = export("PO-3", &[], "rejected");
    assert!(told.is_empty(), "{told}");
    assert!(contents.contains("bad.edi") && contents.contains("the answer to"), "{contents}");
}

#[test]
fn what_was_rejected_is_found_in_a_log_that_was_begun_anew() {
    let folder = multi().block_on(async {
        let mut house = House::open();
        house.drop_inbound("bad.edi", &order(3, "PO-3").replace("PO1*1*24*EA", "PO1*1*ten*EA"));
        house.wait(Event::InterchangeRejected).await;
        house.drop_inbound("good.edi", &order(4, "PO-4"));
        house.wait(Event::DocumentDelivered).await;
        house.close().await
    });
    let data = folder.path().join("data");
    // So many exceptions that what they are about comes entries after them.
    let store = EmbeddedStore::open(&data).unwrap();
    let now = jiff::Timestamp::now();
    for number in 0..500 {
        let raise = Raise {
            kind: Kind::PlaceUnreachable,
            partner: "second".to_owned(),
            owner: String::new(),
            cause: format!("place {number}"),
            place: "mailbox".to_owned(),
            words: "It does not answer. ".repeat(20),
            mend: "Look after it. ".repeat(12),
            at: now,
            due: now,
            item: ExceptionItem {
                key: format!("place {number}"),
                number: 0,
                at: now,
                subject: Subject::Condition { label: "mailbox".to_owned() },
                payload: None,
                findings: None,
                acceptable: false,
                settled: false,
                dismissed: false,
                accepted: false,
            },
        };
        store.commit(Transaction::new().with(Change::Raise(Box::new(raise)))).unwrap();
    }
    drop(store);
    fs::remove_dir_all(data.join("audit")).unwrap();
    let begun = crossdock::store::begin_log(&data, "dana", "the disk of the log failed").unwrap();
    assert!(begun.entries > 3, "{begun:?}");
    // It is signed when it is opened.
    drop(EmbeddedStore::open(&data).unwrap());
    let to = folder.path().join("dossier");
    let to = to.to_str().unwrap();
    let (shown, code) = command(folder.path(), &["audit", "export", "--po", "PO-3", "--to", to]);
    assert_eq!(code, 0, "{shown}");
    let contents = fs::read_to_string(Path::new(to).join("contents.txt")).unwrap();
    assert!(contents.contains("bad.edi") && contents.contains("the answer to"), "{contents}");
    assert!(!contents.contains("good.edi"), "{contents}");
}

#[test]
fn a_store_is_checked_exported_and_made_anew() {
    let folder = house_at_work();
    let folder = folder.path();
    let check = || command(folder, &["store", "check"]);
    let (shown, code) = check();
    assert!(code == 0 && shown.ends_with("All agree.\n"), "{shown}");
    let records = |text: &str| -> Vec<String> {
        // Up to where the log is applied, and how large it was when it was compacted, the database says itself.
        let own = |line: &str| line.contains("mapplied") || line.contains("mcompacted");
        text.lines().filter(|line| !own(line)).map(str::to_owned).collect()
    };
    let (before, _) = command(folder, &["store", "export", "-"]);
    assert!(records(&before).iter().any(|line| line.contains("dorder-PO-1")));
    let (shown, code) = command(folder, &["store", "rebuild"]);
    assert!(code == 0 && shown.contains("made anew"), "{shown}");
    let (after, _) = command(folder, &["store", "export", "-"]);
    assert_eq!(records(&after), records(&before));
    assert_eq!(check().1, 0);
    let (shown, code) = command(folder, &["store", "compact"]);
    assert!(code == 0 && shown.contains("The database was compacted: "), "{shown}");
    let (after, _) = command(folder, &["store", "export", "-"]);
    assert_eq!(records(&after), records(&before));
    assert_eq!(check().1, 0);

    // A payload that is damaged, one that is missing, a record that was changed, one that nobody has put there.
    let pack = folder.join("data/payloads/packs/00000001.pack");
    let mut bytes = fs::read(&pack).unwrap();
    let length = u32::from_le_bytes(bytes[4..8].try_into().unwrap()) as usize;
    bytes[40 + length / 2] ^= 1;
    // The name of the second: nobody knows it by that.
    bytes[40 + length + 8] ^= 1;
    fs::write(&pack, bytes).unwrap();
    {
        let tree = super::recovery::raw(&folder.join("data/state")).open_tree("crossdock").unwrap();
        let (key, _) = tree.scan_prefix(b"d").next().unwrap().unwrap();
        tree.insert(key, b"{}").unwrap();
        tree.insert(b"dstranger\0", b"{}").unwrap();
        tree.flush().unwrap();
    }
    let (shown, code) = check();
    assert_eq!(code, 1);
    assert!(shown.ends_with("4 wrong\n"), "{shown}");
    for words in ["No such file", "is another than that of entry", "no entry has put it there"] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
}

#[test]
fn a_key_that_lies_elsewhere_signs() {
    let folder = tempfile::tempdir().unwrap();
    let key = Key::generate("edi.example").unwrap();
    fs::write(folder.path().join("secret"), format!("{}\n", key.secret_text())).unwrap();
    let config = format!("{CONFIG}\n[audit]\nkey = \"file:secret\"\n");
    multi().block_on(async {
        let mut house = House::within(folder, &config, PROFILE);
        house.drop_inbound("one.edi", &order(1, "PO-1"));
        house.wait(Event::DocumentDelivered).await;
        let folder = house.close().await;
        assert!(!folder.path().join("data/audit.key").exists());
        let public = key.public().to_string();
        assert_eq!(command(folder.path(), &["audit", "key"]).0.trim(), public);
        let (shown, code) = command(folder.path(), &["audit", "verify", "--key", &public]);
        assert_eq!(code, 0, "{shown}");
    });
    let text = format!("{CONFIG}\n[audit]\nkey = \"PRIVATE+KEY\"\n");
    let wrong = crossdock::gateway::Config::parse("c.toml", &text, Path::new(".")).unwrap_err();
    assert!(wrong[0].to_string().contains("audit: `key`"), "{}", wrong[0]);
    assert!(!wrong[0].to_string().contains("PRIVATE"), "{}", wrong[0]);
}
