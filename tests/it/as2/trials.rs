//! The process dies before and after every step of receiving and sending over AS2: no message is lost, none is processed
//! twice, and each is answered once it is sent again.

use std::collections::BTreeSet;
use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crossdock::store::desk::RemoteRecords;
use crossdock::store::{As2Direction, As2Key, As2State, Records as _};
use crossdock::transport::as2::cms::Digest;
use crossdock::transport::as2::message::ReceiptRequest;
use crossdock::transport::as2::mime::Part;

use super::partner::{Http, Partner, THEM, Taker, US, groups, keys, post, profile};
use crate::kill::{Running, start_in};

/// The steps, with how the partner answers and what more the profile says.
const SYNC: &str = "";
const ASYNC: &str = "receipt = \"async\"\nreceipt_within = \"1s\"\nretries = 100";
const TOGETHER: &str = "documents_max = 2";
const TOGETHER_LATER: &str =
    "documents_max = 2\nreceipt = \"async\"\nreceipt_within = \"1s\"\nretries = 100";
const POINTS: [(&str, &str); 23] = [
    ("as2-take.before", SYNC),
    ("as2-keep.before", SYNC),
    ("as2-keep.after", SYNC),
    ("as2-make.before", SYNC),
    ("as2-make.after", SYNC),
    ("as2-post.before", SYNC),
    ("as2-post.after", SYNC),
    ("as2-hear.before", ASYNC),
    ("as2-hear.after", ASYNC),
    ("as2-receipt.before", ASYNC),
    ("as2-receipt.after", ASYNC),
    ("as2-resend.before", ASYNC),
    ("as2-resend.after", ASYNC),
    ("as2-gather.before", TOGETHER),
    ("as2-gather.after", TOGETHER),
    ("as2-make.before", TOGETHER),
    ("as2-make.after", TOGETHER),
    ("as2-post.before", TOGETHER),
    ("as2-post.after", TOGETHER),
    ("as2-hear.before", TOGETHER_LATER),
    ("as2-hear.after", TOGETHER_LATER),
    ("as2-resend.before", TOGETHER_LATER),
    ("as2-resend.after", TOGETHER_LATER),
];
/// Only ends a test that hangs.
const PATIENCE: Duration = Duration::from_mins(2);

/// The program, started again once it has died.
struct Tried {
    running: Running,
    died: bool,
    folder: std::path::PathBuf,
}

impl Tried {
    fn tend(&mut self) {
        if self.running.0.try_wait().unwrap().is_some() {
            assert!(!self.died, "it died twice: {}", self.log());
            self.died = true;
            self.running = start_in(&self.folder, "");
        }
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// Tries something again and again until it gives something.
    fn until<T>(&mut self, what: &str, mut step: impl FnMut() -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.tend();
            if let Some(found) = step() {
                return found;
            }
            assert!(Instant::now() < deadline, "{what}: {}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Posts to a program that may not be there.
fn try_post(to: SocketAddr, part: &Part) -> Option<Http> {
    TcpStream::connect(to).ok()?;
    let posted = std::panic::catch_unwind(|| post(to, &part.headers, &part.body)).ok()?;
    (posted.status() == 200).then_some(posted)
}

#[test]
fn dying_at_any_step_of_a_message_loses_and_repeats_nothing() {
    for (point, more) in POINTS {
        dies(point, more);
    }
}

fn dies(point: &str, more: &str) {
    let folder = tempfile::tempdir().unwrap();
    let partner = Partner::open();
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    set_up(folder.path(), &partner, address, more);
    let taken = Arc::new(Mutex::new(Vec::<Http>::new()));
    serve(&partner, more, &taken);
    let running = start_in(folder.path(), &format!("die {point} 1"));
    let mut tried = Tried { running, died: false, folder: folder.path().to_path_buf() };

    // A message comes, as often as it takes.
    let later = more.contains(ASYNC);
    let asked = ReceiptRequest::signed("x", Digest::Sha256);
    let asked = if later { asked.later(&format!("http://{}/mdn", partner.server)) } else { asked };
    let orders = if more.contains(TOGETHER) { 2 } else { 1 };
    let message = partner.message("1@them", groups(orders).as_bytes(), Some(&asked));
    let message = Part { headers: message.headers, body: message.body };
    let first = tried.until(point, || try_post(address, &message));
    let again = tried.until(point, || try_post(address, &message));
    assert_eq!(first.body, again.body, "{point}");
    assert_eq!(first.body.is_empty(), later, "{point}");

    // What follows from it leaves as a message, and its receipt comes.
    let resends = point.starts_with("as2-resend");
    let least = if resends { 2 } else { 1 };
    let sent = tried.until(point, || {
        let taken = taken.lock().unwrap();
        let ours: Vec<&Http> = taken.iter().filter(|one| one.start.contains("/in")).collect();
        (ours.len() >= least).then(|| ours[0].clone())
    });
    if later {
        let (receipt, _) = Taker::good(&partner).receipt(&sent);
        tried.until(point, || try_post(address, &receipt));
        tried.until(point, || {
            let taken = taken.lock().unwrap();
            taken.iter().any(|one| one.start.contains("/mdn")).then_some(())
        });
    }
    let id = sent.headers.get("Message-ID").unwrap().trim_matches(['<', '>']).to_owned();
    let (theirs, ours) = (THEM.to_owned(), US.to_owned());
    let key = As2Key { direction: As2Direction::Sent, theirs, ours, message_id: id };
    tried.until(point, || {
        // Asked of the program that runs, so that its store is never opened here.
        let records = RemoteRecords::connect(&folder.path().join("data")).ok()??;
        let message = records.as2_message(&key).ok()??;
        let queued = records.backlog(10).ok()?;
        let done = message.state == As2State::Processed && queued.waiting.is_empty();
        (done && tried_names(folder.path()) == orders as usize).then_some(())
    });
    assert!(tried.died, "{point} was never come to");

    // One message of ours, whatever was repeated, and one answer to theirs.
    let taken = taken.lock().unwrap();
    for place in ["/in", "/mdn"] {
        let distinct: BTreeSet<&Vec<u8>> =
            taken.iter().filter(|one| one.start.contains(place)).map(|one| &one.body).collect();
        assert_eq!(distinct.len(), usize::from(place == "/in" || later), "{point} {place}");
    }
}

fn tried_names(folder: &Path) -> usize {
    fs::read_dir(folder.join("warehouse/harbor-and-pine/orders")).map_or(0, Iterator::count)
}

fn set_up(folder: &Path, partner: &Partner, address: SocketAddr, more: &str) {
    keys(folder);
    let config = format!(
        "data = \"data\"\nprofiles = \"partners\"\npoll_seconds = 1\nsettle_milliseconds = 5\n\
         [endpoints.warehouse]\nfolder = \"warehouse\"\n[limits]\nretry_seconds_first = 1\n\
         [log]\nlevel = \"warn\"\n[as2]\nlisten = \"{address}\"\nurl = \"http://{address}/as2\"\n"
    );
    fs::write(folder.join("crossdock.toml"), config).unwrap();
    let partners = folder.join("partners/harbor-and-pine");
    fs::create_dir_all(&partners).unwrap();
    let mut profile = profile(partner.server, more);
    if more.contains(TOGETHER) {
        // Each group has an answer of its own, all at the same moment.
        let section = "[acknowledgements]\n";
        profile = profile.replace(section, &format!("{section}batch = \"group\"\n"));
    }
    fs::write(partners.join("partner.toml"), profile).unwrap();
}

/// The partner's server, which notes what comes.
fn serve(partner: &Partner, more: &str, taken: &Arc<Mutex<Vec<Http>>>) {
    let (taker, taken, later) = (Taker::good(partner), Arc::clone(taken), more.contains(ASYNC));
    partner.answer(move |request| {
        taken.lock().unwrap().push(request.clone());
        if later || request.start.contains("/mdn") {
            return ("200 OK".to_owned(), vec![], vec![]);
        }
        taker.answer(request)
    });
}
