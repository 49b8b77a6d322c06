//! What a mailbox on a server does, call by call.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime};

use crossdock::disk::{Arrival, Limits};
use crossdock::profile::Sftp;
use crossdock::transport::sftp::{Pauses, Sessions, SftpMailbox, key_of_server};
use crossdock::transport::{Error, Mailbox as _};

use super::server::{Asks, Server, make_key};

/// Settings under which a file is finished when two looks see the same.
const QUICK: &str = "settle = \"1ms\"";
const LIMITS: Limits = Limits { settle: Duration::ZERO, file_bytes: 32 << 20, files: 1000 };

/// A mailbox with a folder of ours.
struct Inbox {
    mailbox: SftpMailbox,
    ours: tempfile::TempDir,
}

impl std::ops::Deref for Inbox {
    type Target = SftpMailbox;

    fn deref(&self) -> &SftpMailbox {
        &self.mailbox
    }
}

fn open(settings: Arc<Sftp>) -> Inbox {
    open_with(settings, &Sessions::new(8))
}

fn open_with(settings: Arc<Sftp>, sessions: &Sessions) -> Inbox {
    let ours = tempfile::tempdir().unwrap();
    let pauses = Pauses { first: Duration::from_millis(1), longest: Duration::from_millis(5) };
    let mailbox =
        SftpMailbox::open(settings, ours.path(), LIMITS, sessions.clone(), pauses).unwrap();
    Inbox { mailbox, ours }
}

impl Inbox {
    /// What is ready; files need two looks to settle.
    fn ready(&self) -> Vec<Arrival> {
        loop {
            let look = self.look().unwrap();
            if look.unsettled == 0 {
                return look.ready;
            }
        }
    }

    fn names(&self) -> Vec<String> {
        self.ready().into_iter().map(|arrival| arrival.name).collect()
    }

    fn set_aside_all(&self) -> BTreeSet<String> {
        let mut reasons = BTreeSet::new();
        for arrival in self.ready() {
            let Err(Error::Untakeable { name, reason }) = self.fetch(&arrival) else {
                panic!("{arrival:?} is taken");
            };
            self.set_aside(&arrival, "mark", &reason).unwrap();
            reasons.insert(format!("{name}: {reason}"));
        }
        reasons
    }
}

fn words(result: Result<impl Sized, Error>) -> String {
    match result {
        Ok(_) => panic!("it succeeded"),
        Err(e) => e.to_string(),
    }
}

#[test]
fn files_come_and_go_whole() {
    let server = Server::start();
    let large: Vec<u8> =
        (0..20 << 20).map(|at: u32| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    server.put("inbound/large.edi", &large);
    server.put("inbound/small.edi", "ISA");
    server.put("inbound/empty.edi", "");
    fs::create_dir_all(server.home("outbound")).unwrap();
    let mailbox = open(server.settings(QUICK));
    let look = mailbox.look().unwrap();
    assert_eq!((look.ready.len(), look.unsettled), (0, 3), "none is known to be finished yet");
    let ready = mailbox.ready();
    assert_eq!(ready.len(), 3);
    for arrival in &ready {
        let expected = fs::read(server.home("inbound").join(&arrival.name)).unwrap();
        assert!(mailbox.fetch(arrival).unwrap() == expected, "{}", arrival.name);
        assert!(server.home("inbound").join(&arrival.name).exists(), "not before it is confirmed");
        mailbox.confirm(arrival, "7").unwrap();
        mailbox.confirm(arrival, "7").unwrap();
    }
    assert_eq!(server.names("inbound"), [""; 0]);
    assert_eq!(server.names("archive"), ["7-empty.edi", "7-large.edi", "7-small.edi"]);
    assert!(mailbox.ready().is_empty());

    mailbox.deliver("large.edi", &large).unwrap();
    mailbox.deliver("large.edi", &large).unwrap();
    assert_eq!(server.names("outbound"), ["large.edi"]);
    assert!(fs::read(server.home("outbound/large.edi")).unwrap() == large);
    assert!(!server.log().contains("password"), "a key is enough");
}

#[test]
fn a_file_that_grows_is_not_finished_and_one_that_changed_is_not_taken() {
    let server = Server::start();
    server.put("inbound/a.edi", "one");
    let mailbox = open(server.settings(QUICK));
    mailbox.look().unwrap();
    server.put("inbound/a.edi", "one and two");
    assert_eq!(mailbox.look().unwrap().unsettled, 1, "it has grown");
    let [arrival] = mailbox.ready().try_into().unwrap();
    server.put("inbound/a.edi", "one, two and three");
    assert!(matches!(mailbox.fetch(&arrival), Err(Error::NotReady(_))));
    mailbox.confirm(&arrival, "1").unwrap();
    assert_eq!(server.names("inbound"), ["a.edi"], "what was not read stays");
    fs::remove_file(server.home("inbound/a.edi")).unwrap();
    assert!(matches!(mailbox.fetch(&arrival), Err(Error::NotReady(_))));
    mailbox.confirm(&arrival, "1").unwrap();
    // Half a minute is a long time for a test, and a short one for a slow uploader.
    let patient = open(server.settings("settle = \"30s\""));
    server.put("inbound/b.edi", "b");
    for _ in 0..3 {
        assert_eq!(patient.look().unwrap().unsettled, 1);
    }
}

#[test]
fn markers_and_renames_tell_what_is_finished() {
    let server = Server::start();
    let marked =
        open(server.settings("finished = \"marker\"\nmarker = \"{stem}.ok\"\nafter = \"delete\""));
    for name in ["a.edi", "b.edi", "b.ok", "lone.ok", ".hidden.edi", "c.edi.part"] {
        server.put(&format!("inbound/{name}"), name);
    }
    let [arrival] = marked.ready().try_into().unwrap();
    assert_eq!(arrival.name, "b.edi");
    assert_eq!(marked.fetch(&arrival).unwrap(), b"b.edi");
    marked.confirm(&arrival, "1").unwrap();
    let left = [".hidden.edi", "a.edi", "c.edi.part", "lone.ok"];
    assert_eq!(server.names("inbound"), left, "file and marker are gone");

    let renamed = open(server.settings("finished = \"rename\"\npattern = \"*.edi\""));
    assert_eq!(renamed.names(), ["a.edi"], "at the first look");
}

#[test]
fn only_a_key_that_is_trusted_is_talked_to() {
    let mut server = Server::start();
    let first = server.fingerprint();
    let shown = key_of_server("127.0.0.1", server.port, Duration::from_secs(20)).unwrap();
    assert_eq!((shown.fingerprint.to_string(), shown.algorithm), (first.clone(), "ssh-ed25519"));
    let other = "SHA256:nThbg6kXUpJWGl7E1IGOCspRomTxdCARLviKw6E5SY8";
    let several = format!("host_keys = [\"{other}\", \"{first}\"]\n{QUICK}");
    fs::create_dir_all(server.home("inbound")).unwrap();
    open(server.settings(&several)).look().unwrap();
    let settings = server.settings(QUICK);
    open(Arc::clone(&settings)).look().unwrap();

    let nobody = open(server.settings("host_keys = []"));
    let told = words(nobody.look());
    assert!(told.contains(&first) && told.contains("crossdock partner trust"), "{told}");

    server.change_key();
    server.restart();
    let told = words(open(settings).look());
    assert!(told.contains(&first) && told.contains(&server.fingerprint()), "{told}");
    assert!(!told.contains(&server.at("user_key").display().to_string()));
    let log = server.log();
    assert!(
        !log.contains("user_key") && !log.contains("ED25519 SHA256"),
        "no key was offered:\n{log}"
    );
    assert!(!log.contains("Accepted") && !log.contains("Failed"), "nobody tried to log in:\n{log}");
}

#[test]
fn keys_of_every_kind_open_the_door_and_others_do_not() {
    let server = Server::start();
    fs::create_dir_all(server.home("inbound")).unwrap();
    let mut authorized = fs::read_to_string(server.at("authorized_keys")).unwrap();
    for (name, kind, passphrase) in
        [("rsa", "rsa", ""), ("locked", "ed25519", "open sesame"), ("stranger", "ed25519", "")]
    {
        make_key(&server.at(name), kind, passphrase);
        if name != "stranger" {
            authorized += &fs::read_to_string(server.at(&format!("{name}.pub"))).unwrap();
        }
    }
    fs::write(server.at("authorized_keys"), authorized).unwrap();
    fs::write(server.at("passphrase"), "open sesame\n").unwrap();
    let key = |name: &str| format!("key = \"file:{}\"", server.at(name).display());
    let passphrase = format!("key_passphrase = \"file:{}\"", server.at("passphrase").display());
    open(server.settings(&key("rsa"))).look().unwrap();
    open(server.settings(&format!("{}\n{passphrase}", key("locked")))).look().unwrap();
    for (settings, wanted) in [
        (key("stranger"), "does not let"),
        (key("locked"), "passphrase"),
        (key("passphrase"), "private key"),
        (key("nowhere"), "nowhere"),
        (
            "password = \"env:CROSSDOCK_TEST_NO_SUCH_VARIABLE\"\nkey = \"file:/dev/null\""
                .to_owned(),
            "NO_SUCH_VARIABLE",
        ),
    ] {
        let told = words(open(server.settings(&settings)).look());
        assert!(told.contains(wanted), "{told}");
        assert!(!told.contains("open sesame"), "{told}");
    }
}

#[test]
fn a_failed_look_or_read_is_never_an_empty_one() {
    let mut server = Server::start();
    let mailbox = open(server.settings(QUICK));
    let told = words(mailbox.look());
    assert!(told.contains("inbound"), "the folder is not there: {told}");
    server.put("inbound/a.edi", "a");
    let [arrival] = mailbox.ready().try_into().unwrap();
    server.stop();
    drop(mailbox);
    let mailbox = open(server.settings(QUICK));
    assert!(words(mailbox.look()).contains("cannot be reached"));
    assert!(matches!(mailbox.fetch(&arrival), Err(Error::Server(_))));
    assert!(mailbox.confirm(&arrival, "1").is_err());
    assert!(mailbox.deliver("b.edi", b"b").is_err());
    server.restart();
    assert!(words(mailbox.deliver("b.edi", b"b")).contains("outbound"));
    // It is there again, and what was begun goes on.
    assert_eq!(mailbox.fetch(&arrival).unwrap(), b"a");
    fs::create_dir_all(server.home("outbound")).unwrap();
    mailbox.deliver("b.edi", b"b").unwrap();
    assert_eq!(server.names("outbound"), ["b.edi"]);
}

#[test]
fn names_and_sizes_that_harm_are_refused_and_told_once() {
    let server = Server::start();
    server.put("inbound/good.edi", "good");
    server.put("inbound/new\nline.edi", "x");
    server.put("inbound/\u{1b}[2Jclear.edi", "x");
    server.put("inbound/up\\..\\..\\x.edi", "x");
    server.put("inbound/näme with blanks.edi", "fine");
    fs::create_dir_all(server.home("inbound/folder.edi")).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", server.home("inbound/link.edi")).unwrap();
    let huge = fs::File::create(server.home("inbound/huge.edi")).unwrap();
    huge.set_len(2 << 30).unwrap();
    let mailbox = open(server.settings(QUICK));
    for arrival in mailbox.ready() {
        if ["good.edi", "näme with blanks.edi"].contains(&arrival.name.as_str()) {
            mailbox.fetch(&arrival).unwrap();
            mailbox.confirm(&arrival, "1").unwrap();
        }
    }
    assert_eq!(server.names("archive").len(), 2);
    let reasons = mailbox.set_aside_all();
    let expected = [
        "\\u{1b}[2Jclear.edi: its name has control characters",
        "huge.edi: 2147483648 bytes, more than the limit of 33554432",
        "new\\u{a}line.edi: its name has control characters",
        "up\\..\\..\\x.edi: its name leads out of the folder",
    ];
    assert_eq!(reasons, expected.map(str::to_owned).into());
    assert!(mailbox.ready().is_empty(), "they are not told of again");
    assert_eq!(server.names("inbound").len(), 6, "and stay where they are");
    let notes = fs::read_dir(mailbox.ours.path().join("quarantine")).unwrap().count();
    assert_eq!(notes, 4);
    // Another file of that name is looked at anew.
    server.put("inbound/huge.edi", "small by now");
    assert_eq!(mailbox.names(), ["huge.edi"]);
}

#[test]
fn a_folder_with_very_many_files_is_worked_off_from_the_oldest() {
    let server = Server::start();
    fs::create_dir_all(server.home("inbound")).unwrap();
    let epoch = SystemTime::UNIX_EPOCH;
    // `CROSSDOCK_LISTING` sets how many.
    let files = std::env::var("CROSSDOCK_LISTING").ok().and_then(|n| n.parse().ok());
    let files: u32 = files.unwrap_or(12_000);
    for at in 0..files {
        let file = fs::File::create(server.home(&format!("inbound/{at:06}.edi"))).unwrap();
        file.set_modified(epoch + Duration::from_secs(u64::from(files * 3 - at))).unwrap();
    }
    let mailbox = open(server.settings(QUICK));
    assert_eq!(mailbox.look().unwrap().unsettled, 10_000, "what is kept in mind is bounded");
    let ready = mailbox.ready();
    assert_eq!(ready.len(), LIMITS.files);
    assert_eq!(ready[0].name, format!("{:06}.edi", files - 1), "the oldest comes first");
}

#[test]
fn a_server_that_wants_a_password_gets_it_and_a_wrong_one_is_told_of() {
    for asks in [Asks::Password, Asks::Question] {
        let Some(server) = Server::asking(asks) else {
            println!("not tried: only root may give a server a password of its own");
            return;
        };
        server.put("inbound/a.edi", "an order");
        let mailbox = open(server.settings(QUICK));
        assert_eq!(mailbox.names(), ["a.edi"], "{asks:?}");
        fs::write(server.at("password"), "another").unwrap();
        let error = open(server.settings(QUICK)).look().unwrap_err().to_string();
        assert!(error.contains("the password file:"), "{asks:?}: {error}");
    }
}

#[test]
fn a_name_that_is_taken_is_never_written_over() {
    let server = Server::start();
    server.put("outbound/a.edi", "theirs");
    server.put("outbound/b.edi", "mine");
    let mailbox = open(server.settings("upload_name = \"{stem}{extension}\""));
    mailbox.deliver("a.edi", b"mine").unwrap();
    mailbox.deliver("a.edi", b"mine").unwrap();
    mailbox.deliver("b.edi", b"mine").unwrap();
    let names = server.names("outbound");
    assert_eq!(names.len(), 3, "{names:?}");
    assert_eq!(fs::read(server.home("outbound/a.edi")).unwrap(), b"theirs");
    let other = names.iter().find(|name| name.starts_with("a-")).unwrap();
    assert_eq!(fs::read(server.home("outbound").join(other)).unwrap(), b"mine");

    let named = open(server.settings("upload_name = \"TO_{name}.{id}\""));
    named.deliver("c.edi", b"mine").unwrap();
    assert!(server.names("outbound").iter().any(|name| name.starts_with("TO_c.edi.")));
}

#[test]
fn an_archive_in_which_the_name_is_taken_keeps_both() {
    let server = Server::start();
    server.put("archive/1-a.edi", "from before");
    server.put("inbound/a.edi", "new");
    let mailbox = open(server.settings(QUICK));
    let [arrival] = mailbox.ready().try_into().unwrap();
    mailbox.confirm(&arrival, "1").unwrap();
    assert_eq!(server.names("archive").len(), 2);
    assert_eq!(fs::read(server.home("archive/1-a.edi")).unwrap(), b"from before");
    assert_eq!(server.names("inbound"), [""; 0]);
}

#[test]
fn sessions_are_shared_out_among_mailboxes() {
    let server = Server::start();
    let sessions = Sessions::new(2);
    let folders = ["one", "two", "three", "four"];
    let mailboxes = folders.map(|folder| {
        server.put(&format!("{folder}/{folder}.edi"), folder);
        open_with(server.settings(&format!("inbound = \"{folder}\"\n{QUICK}")), &sessions)
    });
    for _ in 0..2 {
        for (folder, mailbox) in folders.iter().zip(&mailboxes) {
            assert_eq!(mailbox.names(), [format!("{folder}.edi")]);
            assert!(sessions.open() <= 2);
        }
    }
    drop(mailboxes);
    assert_eq!(sessions.open(), 0, "they are closed with their mailboxes");
}

#[test]
fn a_server_that_hangs_is_given_up_and_left_alone() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = Server::start();
    let port = silent.local_addr().unwrap().port();
    let settings =
        server.settings_at(port, "connect_timeout = \"200ms\"\nidle_timeout = \"200ms\"");
    let ours = tempfile::tempdir().unwrap();
    let pauses = Pauses { first: Duration::from_mins(10), longest: Duration::from_mins(10) };
    let sessions = Sessions::new(1);
    let mailbox =
        SftpMailbox::open(settings, ours.path(), LIMITS, sessions.clone(), pauses).unwrap();
    silent.set_nonblocking(true).unwrap();
    for _ in 0..4 {
        assert!(words(mailbox.look()).contains("in time"));
    }
    let calls = std::iter::from_fn(|| silent.accept().ok()).count();
    assert_eq!(calls, 2, "after the second failure it is left alone");
    assert_eq!(sessions.open(), 0);
}

/// A listener that hands each caller what it says, from a thread of its own.
fn who_says(say: impl Fn(TcpStream) + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || listener.incoming().map_while(Result::ok).for_each(say));
    port
}

#[test]
fn what_is_no_ssh_server_is_told_from_one() {
    let server = Server::start();
    let talker = who_says(|mut stream| {
        // It never comes to the point, and never falls silent.
        while stream.write_all(b"Welcome to our server. Please hold the line.\r\n").is_ok() {}
    });
    let web = who_says(|mut stream| {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    for port in [talker, web] {
        let mailbox = open(server.settings_at(port, "connect_timeout = \"300ms\""));
        let told = words(mailbox.look());
        assert!(told.contains("no SSH session comes about"), "{told}");
    }
}

#[test]
fn a_session_that_waits_is_kept_alive_and_then_closed() {
    let server = Server::start();
    server.put("inbound/a.edi", "a");
    let sessions = Sessions::new(4);
    let more = format!("keepalive = \"1ms\"\nclose_after = \"2s\"\n{QUICK}");
    let mailbox = open_with(server.settings(&more), &sessions);
    mailbox.look().unwrap();
    assert_eq!(sessions.open(), 1);
    while sessions.open() > 0 {
        thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(mailbox.names(), ["a.edi"], "and opened again when it is needed");
    let log = server.log();
    assert!(log.matches("Accepted publickey").count() >= 2, "{log}");
}
