//! What receiving over AS2 costs: messages a second over HTTP on loopback, each decrypted, verified, kept on the disk and
//! answered with a signed receipt, against what the two private-key operations of each allow: as `openssl speed rsa2048`
//! measures them, on one core, and on all cores; and the memory that a large message takes.
//!
//! `cargo bench --bench as2` runs both; `-- speed` or `-- memory` one of them. `CROSSDOCK_BENCH_MESSAGES` (4000),
//! `CROSSDOCK_BENCH_CONNECTIONS` (32) and `CROSSDOCK_BENCH_MEBIBYTES` (100) set their sizes, `CROSSDOCK_BENCH_FOLDER` the
//! disk (target/tmp).

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crossdock::gateway::{Config, Gateway};
use crossdock::listener::open_as2;
use crossdock::translate::Engine;
use crossdock::transport::as2::Name;
use crossdock::transport::as2::cms::{Cipher, Digest, Identity, Padding};
use crossdock::transport::as2::message::{
    self, Document, Encryption, Envelope, Protection, ReceiptRequest,
};
use crossdock::transport::as2::mime::Part;
use jiff::Timestamp;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::sign::Signer;
use tokio::sync::watch;

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const PROFILE: &str = include_str!("../partner-profiles/harbor-and-pine/partner.toml");
const OURS: &[u8] = include_bytes!("../fixtures/as2/ours.pem");
const THEIRS: &[u8] = include_bytes!("../fixtures/as2/theirs.pem");
const US: &str = "NORTHDOCK";
const THEM: &str = "HARBOR";
/// Bytes of a usual document.
const DOCUMENT_BYTES: usize = 10 * 1024;
/// The share of what the private key allows that is wanted.
const SHARE: f64 = 0.5;
/// How much memory a large message may take, by its size.
const MEMORY: f64 = 6.0;
/// How long the private key is tried.
const TRIED: Duration = Duration::from_secs(3);
/// The file in which another process finds where to write a large message.
const MAKE: &str = "CROSSDOCK_BENCH_MAKE";

fn main() {
    let mebibytes = size("MEBIBYTES", 100);
    if let Some(file) = std::env::var_os(MAKE) {
        fs::write(file, request("large@them", mebibytes << 20)).expect("it can be written");
        return;
    }
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let runs = |name: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted == name);
    let place = std::env::var_os("CROSSDOCK_BENCH_FOLDER")
        .map_or_else(|| PathBuf::from(env!("CARGO_TARGET_TMPDIR")), PathBuf::from);
    fs::create_dir_all(&place).expect("the folder can be made");
    // The larger first: the highest that the process had is what is told.
    if runs("memory") {
        memory(&place, mebibytes);
    }
    if runs("speed") {
        speed(&place, size("MESSAGES", 4000));
    }
}

fn size(name: &str, usual: usize) -> usize {
    let given = std::env::var(format!("CROSSDOCK_BENCH_{name}")).ok();
    given.and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// A request: signed (SHA-256), encrypted (AES-128-CBC), for a signed receipt. Its document is like no other.
fn request(id: &str, bytes: usize) -> Vec<u8> {
    let (ours, theirs) = (identity(OURS), identity(THEIRS));
    let name = |name| Name::new(name).expect("a name");
    let (from, to) = (name(THEM), name(US));
    let asked = ReceiptRequest::signed("x", Digest::Sha256);
    let envelope = Envelope {
        from: &from,
        to: &to,
        message_id: id,
        subject: "Order",
        date: Timestamp::now(),
        receipt: Some(&asked),
    };
    let begin = format!("BEG*00*SA*{id}**20261121~\n").into_bytes();
    let line = b"PO1*1*24*EA*12.5*PE*VN*A-1001*UP*012345678905~\n".iter().copied();
    let document = Document {
        content: begin.into_iter().chain(line.cycle()).take(bytes).collect(),
        content_type: "application/edi-x12".to_owned(),
        filename: None,
    };
    let recipients = [ours.certificate()];
    let protection = Protection {
        sign: Some((&theirs, Digest::Sha256)),
        encrypt: Some(Encryption {
            cipher: Cipher::Aes128Cbc,
            padding: Padding::Pkcs1,
            recipients: &recipients,
        }),
        compress: None,
    };
    let built = message::build(&[document], &envelope, &protection).expect("a message");
    let length = ("Content-Length", built.body.len().to_string());
    let mut headers = vec![("Host", "localhost".to_owned()), length];
    headers.extend(built.headers);
    let mut bytes = b"POST /as2 HTTP/1.1\r\n".to_vec();
    bytes.extend(Part { headers, body: built.body }.to_bytes());
    bytes
}

fn identity(pem: &[u8]) -> Identity {
    Identity::read(pem, "").expect("a key")
}

/// A gateway that takes in, and works nothing off: what is measured is receiving.
fn open(
    folder: &Path,
    mebibytes: usize,
) -> (tokio::runtime::Runtime, SocketAddr, watch::Sender<bool>) {
    let write = |file: &str, bytes: &[u8]| {
        let path = folder.join(file);
        fs::create_dir_all(path.parent().expect("a folder")).expect("it can be made");
        fs::write(path, bytes).expect("it can be written");
    };
    write("us.pem", OURS);
    write("them.pem", THEIRS);
    let (start, rest) = PROFILE.split_once("[mailbox]").expect("a mailbox");
    let rest = rest.split_once("\n[").map_or("", |(_, rest)| rest);
    let rest = if rest.is_empty() { String::new() } else { format!("[{rest}") };
    let as2 = format!(
        "[mailbox]\nfolder = \"box\"\n[mailbox.as2]\nown_name = \"{US}\"\npartner_name = \"{THEM}\"\n\
         url = \"http://127.0.0.1:1/\"\nkey = \"file:us.pem\"\ncertificates = [\"them.pem\"]\n"
    );
    write("partners/harbor-and-pine/partner.toml", format!("{start}{as2}{rest}").as_bytes());
    let config = format!(
        "data = \"data\"\nprofiles = \"partners\"\n[endpoints.warehouse]\nfolder = \"warehouse\"\n\
         [as2]\nlisten = \"127.0.0.1:0\"\nmessage_mebibytes = {}\n",
        mebibytes * 2
    );
    write("crossdock.toml", config.as_bytes());
    let config = Config::read(&folder.join("crossdock.toml")).expect("a configuration");
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let (stopper, stop) = watch::channel(false);
    let address = runtime.block_on(async {
        let gateway = Gateway::open(config, Engine::embedded()).expect("a gateway");
        let listener = open_as2(&gateway).await.expect("a listener").expect("an address");
        let address = listener.address().expect("its address");
        tokio::spawn(listener.serve(stop));
        address
    });
    (runtime, address, stopper)
}

/// Reads an answer; tells whether it is a receipt that says `processed`.
fn is_processed(from: &mut BufReader<TcpStream>) -> bool {
    let (mut line, mut length, mut good) = (String::new(), 0, false);
    loop {
        line.clear();
        from.read_line(&mut line).expect("an answer");
        let lower = line.to_ascii_lowercase();
        good |= lower.starts_with("http/1.1 200");
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body).expect("a body");
    good && memchr::memmem::find(&body, b"; processed\r\n").is_some()
}

fn speed(place: &Path, count: usize) {
    let requests: Vec<Vec<u8>> =
        (0..count).map(|number| request(&format!("{number}@them"), DOCUMENT_BYTES)).collect();
    let connections = size("CONNECTIONS", 32);
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let before = [1, cores].map(operations);
    let folder = tempfile::tempdir_in(place).expect("a folder");
    let (runtime, address, stopper) = open(folder.path(), 64);
    let next = AtomicUsize::new(0);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..connections {
            scope.spawn(|| {
                let mut stream = TcpStream::connect(address).expect("a connection");
                stream.set_nodelay(true).expect("a socket");
                let mut answers = BufReader::new(stream.try_clone().expect("a socket"));
                while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
                    stream.write_all(request).expect("it can be sent");
                    assert!(is_processed(&mut answers), "a message was not taken");
                }
            });
        }
    });
    let rate = as_number(count) / begun.elapsed().as_secs_f64();
    let _ = stopper.send(true);
    drop(runtime);
    // The machine may be slower at the end.
    let after = [1, cores].map(operations);
    let [one, all] = [0, 1].map(|at| f64::midpoint(before[at], after[at]));
    println!(
        "receive: {rate:.0} messages/s of {DOCUMENT_BYTES} bytes ({count}, {connections} connections, {cores} cores)\n  \
         private key (RSA-2048), two operations a message: {one:.0} operations/s on one core, as `openssl speed rsa2048` \
         measures: ratio {:.2} (wanted: {SHARE})\n  \
         {all:.0} operations/s on all cores: ratio {:.2}",
        2.0 * rate / one,
        2.0 * rate / all
    );
}

/// Private-key operations a second, on so many cores.
fn operations(cores: usize) -> f64 {
    let key = PKey::private_key_from_pem(OURS).expect("a key");
    let done = AtomicUsize::new(0);
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while begun.elapsed() < TRIED {
                    let mut signer = Signer::new(MessageDigest::sha256(), &key).expect("a signer");
                    signer.sign_oneshot_to_vec(b"x").expect("a signature");
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    as_number(done.load(Ordering::Relaxed)) / begun.elapsed().as_secs_f64()
}

fn memory(place: &Path, mebibytes: usize) {
    let folder = tempfile::tempdir_in(place).expect("a folder");
    let file = folder.path().join("message");
    // Another process makes it, so that its memory is not counted here.
    let own = std::env::current_exe().expect("this program");
    let made = Command::new(own).env(MAKE, &file).status().expect("it can be started");
    assert!(made.success(), "the message was not made");
    let (runtime, address, stopper) = open(folder.path(), mebibytes);
    let before = highest();
    let mut stream = TcpStream::connect(address).expect("a connection");
    let mut message = fs::File::open(&file).expect("the message");
    std::io::copy(&mut message, &mut stream).expect("it can be sent");
    assert!(is_processed(&mut BufReader::new(stream)), "the message was not taken");
    let taken = highest().saturating_sub(before);
    let _ = stopper.send(true);
    drop(runtime);
    println!(
        "memory: a message of {mebibytes} MiB takes {taken} MiB, {:.1} times its size (wanted: at most {MEMORY})",
        as_number(taken) / as_number(mebibytes)
    );
}

/// The highest that this process had, in MiB; 0 where the system does not tell.
fn highest() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kibibytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<usize>().ok());
    kibibytes.unwrap_or_default() / 1024
}

#[expect(clippy::cast_precision_loss, reason = "counts of a benchmark")]
fn as_number(count: usize) -> f64 {
    count as f64
}
