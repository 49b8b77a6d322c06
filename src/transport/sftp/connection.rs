//! A session with a server: from the connection to the login, and the calls that a mailbox is made of. Every call is
//! bounded in time.

use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream, ToSocketAddrs as _};
use std::path::Path;
use std::time::{Duration, Instant};

use ssh2::{FileStat, HashType, HostKeyType, RenameFlags, Session, Sftp};

use super::fault::{Fault, is_end, words};
use super::sessions::{Line, Permit};
use crate::profile::{HostKey, Sftp as Settings};
use crate::secrets::read_secret;

/// How long a good-bye may take.
const GOODBYE: Duration = Duration::from_secs(1);
/// What is asked for or sent at a time: the library divides it, and has several parts under way at once.
const CHUNK_BYTES: usize = 256 << 10;

/// A session that is logged in.
pub(super) struct Connection {
    sftp: Sftp,
    session: Session,
    socket: TcpStream,
    /// The longest silence.
    idle: Duration,
    /// Until when the operation that is under way may last.
    deadline: Instant,
    /// When it was last used.
    pub used: Instant,
    /// When it was last heard that it lives.
    pub kept: Instant,
    _permit: Permit,
}

/// The key that a server shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerKey {
    /// Its fingerprint.
    pub fingerprint: HostKey,
    /// `ssh-ed25519` and so on.
    pub algorithm: &'static str,
}

/// What a server tells of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Attributes {
    pub size: u64,
    /// Seconds since 1970; 0 where the server does not tell.
    pub modified: u64,
}

/// An entry of a folder. What it is may be unknown.
#[derive(Debug)]
pub(super) struct Entry {
    pub name: OsString,
    pub is_file: bool,
    /// Nothing where the server tells no size.
    pub attributes: Option<Attributes>,
}

impl Attributes {
    fn of(stat: &FileStat) -> Option<Self> {
        stat.size.map(|size| Self { size, modified: stat.mtime.unwrap_or(0) })
    }
}

/// Connects and shakes hands; nothing of ours is sent but the protocol's own greetings.
fn greet(
    host: &str,
    port: u16,
    timeout: Duration,
    watched: impl FnOnce(&TcpStream),
) -> Result<(Session, TcpStream), Fault> {
    let begun = Instant::now();
    let left = || timeout.saturating_sub(begun.elapsed()).max(Duration::from_millis(1));
    let broken = |what: &str, e: &dyn std::fmt::Display| {
        Fault::Broken(format!("{host}:{port}: {what}: {e}"))
    };
    let addresses = (host, port).to_socket_addrs().map_err(|e| broken("has no address", &e))?;
    let mut outcome = Err(broken("has no address", &"the name is known, and nothing behind it"));
    for address in addresses {
        outcome = TcpStream::connect_timeout(&address, left())
            .map_err(|e| broken("cannot be reached", &e));
        if outcome.is_ok() {
            break;
        }
    }
    let socket = outcome?;
    watched(&socket);
    let clone = |e| broken("cannot be reached", &e);
    // Small questions and answers go to and fro: none waits for company.
    socket.set_nodelay(true).map_err(clone)?;
    let mut session = Session::new().map_err(|e| broken("no session", &words(&e)))?;
    session.set_tcp_stream(socket.try_clone().map_err(clone)?);
    session.set_timeout(milliseconds(left()));
    session.handshake().map_err(|e| broken("no SSH session comes about", &words(&e)))?;
    Ok((session, socket))
}

fn milliseconds(span: Duration) -> u32 {
    u32::try_from(span.as_millis()).unwrap_or(u32::MAX).max(1)
}

fn server_key(session: &Session) -> Option<ServerKey> {
    use base64::Engine as _;
    let digest = session.host_key_hash(HashType::Sha256)?;
    let digest = base64::engine::general_purpose::STANDARD_NO_PAD.encode(digest);
    let algorithm = match session.host_key()?.1 {
        HostKeyType::Rsa => "ssh-rsa",
        HostKeyType::Dss => "ssh-dss",
        HostKeyType::Ecdsa256 => "ecdsa-sha2-nistp256",
        HostKeyType::Ecdsa384 => "ecdsa-sha2-nistp384",
        HostKeyType::Ecdsa521 => "ecdsa-sha2-nistp521",
        HostKeyType::Ed25519 => "ssh-ed25519",
        HostKeyType::Unknown => "of an unknown kind",
    };
    Some(ServerKey { fingerprint: format!("SHA256:{digest}").parse().ok()?, algorithm })
}

/// The key that a server shows. Nothing is sent to it but the protocol's greetings.
///
/// # Errors
/// Where it cannot be reached, or is no SSH server.
pub fn key_of_server(host: &str, port: u16, timeout: Duration) -> Result<ServerKey, String> {
    match greet(host, port, timeout, |_| {}) {
        Ok((session, _)) => {
            server_key(&session).ok_or_else(|| format!("{host}:{port}: the server shows no key"))
        }
        Err(fault) => Err(crate::transport::Error::from(fault).to_string()),
    }
}

/// Whether the key that a server shows is one of those that are trusted.
fn check_key(settings: &Settings, session: &Session) -> Result<(), Fault> {
    let place = format!("{}:{}", settings.host, settings.port);
    let Some(ServerKey { fingerprint, algorithm }) = server_key(session) else {
        return Err(Fault::Broken(format!("{place}: the server shows no key")));
    };
    if settings.host_keys.contains(&fingerprint) {
        return Ok(());
    }
    let trusted: Vec<String> = settings.host_keys.iter().map(ToString::to_string).collect();
    let words = if trusted.is_empty() {
        format!(
            "{place}: no key of the server is trusted yet; it shows {fingerprint} ({algorithm}). Nothing was sent. \
             `crossdock partner trust NAME` writes it into the profile"
        )
    } else {
        format!(
            "{place}: the server shows the key {fingerprint} ({algorithm}), and trusted is {}. Nothing was sent. Ask \
             the partner whether its key has changed; if so, `crossdock partner trust NAME` writes it into the profile",
            trusted.join(" or ")
        )
    };
    Err(Fault::Broken(words))
}

fn log_in(settings: &Settings, session: &Session) -> Result<(), Fault> {
    let user = &settings.user;
    let secret = |what: &str, secret| {
        read_secret(secret).map_err(|words| Fault::Broken(format!("the {what}: {words}")))
    };
    // Asking is the first attempt: a server may let everybody in.
    let methods = session.auth_methods(user).map(str::to_owned).unwrap_or_default();
    let mut refusals = Vec::new();
    if let (Some(key), false) = (&settings.key, session.authenticated()) {
        let private = secret("private key", key)?;
        let passphrase = settings.key_passphrase.as_ref();
        let passphrase = passphrase.map(|s| secret("key's passphrase", s)).transpose()?;
        let tried = session.userauth_pubkey_memory(user, None, &private, passphrase.as_deref());
        if let Err(e) = tried {
            let is_unread = e.message().contains("extract public key");
            let ask = "; is it a private key, and `key_passphrase` its own?";
            let ask = if is_unread { ask } else { "" };
            refusals.push(format!("the key {key}: {}{ask}", words(&e)));
        }
    }
    if let (Some(password), false) = (&settings.password, session.authenticated()) {
        let text = secret("password", password)?;
        let tried = if methods.contains("password") || !methods.contains("keyboard-interactive") {
            session.userauth_password(user, &text)
        } else {
            session.userauth_keyboard_interactive(user, &mut Answer(&text))
        };
        if let Err(e) = tried {
            refusals.push(format!("the password {password}: {}", words(&e)));
        }
    }
    if session.authenticated() {
        return Ok(());
    }
    let offers = if methods.is_empty() { String::new() } else { format!("; it takes {methods}") };
    let words = format!(
        "{}:{}: the server does not let {user} in: {}{offers}",
        settings.host,
        settings.port,
        refusals.join(", ")
    );
    Err(Fault::Broken(words))
}

/// The password, for servers that ask for it as a question.
struct Answer<'a>(&'a str);

impl ssh2::KeyboardInteractivePrompt for Answer<'_> {
    fn prompt(&mut self, _: &str, _: &str, prompts: &[ssh2::Prompt<'_>]) -> Vec<String> {
        // What is shown while it is typed is no question for a password.
        let answer = |prompt: &ssh2::Prompt<'_>| if prompt.echo { "" } else { self.0 };
        prompts.iter().map(|prompt| answer(prompt).to_owned()).collect()
    }
}

impl Connection {
    /// Connects, looks whether the server is who it should be, and only then logs in.
    pub(super) fn open(settings: &Settings, line: &Line, permit: Permit) -> Result<Self, Fault> {
        let Settings { host, port, .. } = settings;
        let begun = Instant::now();
        let watched = |socket: &TcpStream| line.watch(socket, settings.connect_timeout);
        let (session, socket) = greet(host, *port, settings.connect_timeout, watched)?;
        let greeted = check_key(settings, &session).and_then(|()| {
            let left = settings.connect_timeout.saturating_sub(begun.elapsed());
            session.set_timeout(milliseconds(left));
            log_in(settings, &session)?;
            session.sftp().map_err(|e| {
                Fault::Broken(format!(
                    "{host}:{port}: the server has no SFTP for us: {}",
                    words(&e)
                ))
            })
        });
        match greeted {
            Ok(sftp) => {
                let now = Instant::now();
                let idle = settings.idle_timeout;
                let (used, kept) = (now, now);
                Ok(Self { sftp, session, socket, idle, deadline: now, used, kept, _permit: permit })
            }
            Err(fault) => {
                // What is left to be said to a server of this kind is nothing.
                let _ = socket.shutdown(Shutdown::Both);
                Err(fault)
            }
        }
    }

    /// What is cut where it takes too long.
    pub(super) fn socket(&self) -> &TcpStream {
        &self.socket
    }

    /// Begins an operation that may take so long.
    pub(super) fn begin(&mut self, longest: Duration) {
        self.deadline = Instant::now() + longest;
    }

    /// Ends at once: nothing more is to be said.
    pub(super) fn cut(self) {
        let _ = self.socket.shutdown(Shutdown::Both);
    }

    /// Ends with a good-bye.
    pub(super) fn close(self) {
        self.session.set_timeout(milliseconds(GOODBYE));
        let Self { sftp, session, socket, .. } = self;
        drop(sftp);
        let _ = session.disconnect(None, "good-bye", None);
        let _ = socket.shutdown(Shutdown::Both);
    }

    /// Lets the server hear that we are there. Tells whether that could be said.
    pub(super) fn keep_alive(&mut self) -> bool {
        self.session.set_timeout(milliseconds(GOODBYE));
        self.session.set_keepalive(true, 1);
        self.kept = Instant::now();
        self.session.keepalive_send().is_ok()
    }

    /// Bounds the next call by the silence that is allowed, and by what is left of the operation.
    fn bounded(&self, what: &str) -> Result<&Sftp, Fault> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Fault::Broken(format!(
                "{what}: it has taken longer than `operation_timeout`"
            )));
        }
        self.session.set_timeout(milliseconds(left.min(self.idle)));
        Ok(&self.sftp)
    }

    /// Hands the entries of a folder over, one by one, until told to stop.
    pub(super) fn list(
        &mut self,
        folder: &str,
        mut each: impl FnMut(Entry) -> bool,
    ) -> Result<(), Fault> {
        let what = format!("the folder {folder}");
        let fault = |e: ssh2::Error| Fault::of(&what, &e);
        let mut listing = self.bounded(&what)?.opendir(folder).map_err(fault)?;
        loop {
            self.bounded(&what)?;
            match listing.readdir() {
                Ok((name, stat)) => {
                    let entry = Entry {
                        name: name.into_os_string(),
                        is_file: stat.perm.is_none() || stat.is_file(),
                        attributes: Attributes::of(&stat),
                    };
                    if !each(entry) {
                        return Ok(());
                    }
                }
                Err(e) if is_end(&e) => return Ok(()),
                Err(e) => return Err(fault(e)),
            }
        }
    }

    /// What is known of a file; nothing where there is none.
    pub(super) fn attributes(&mut self, path: &Path) -> Result<Option<Attributes>, Fault> {
        let what = path.display().to_string();
        match self.bounded(&what)?.stat(path).map_err(|e| Fault::of(&what, &e)) {
            Ok(stat) => Attributes::of(&stat).map(Some).ok_or_else(|| {
                Fault::Refused(format!("{what}: the server does not tell its size"))
            }),
            Err(Fault::Missing(_)) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// Whether something of that name is there.
    pub(super) fn exists(&mut self, path: &Path) -> Result<bool, Fault> {
        let what = path.display().to_string();
        match self.bounded(&what)?.stat(path).map_err(|e| Fault::of(&what, &e)) {
            Ok(_) => Ok(true),
            Err(Fault::Missing(_)) => Ok(false),
            Err(fault) => Err(fault),
        }
    }

    /// Reads a file that is as it was seen. All of it, or nothing.
    pub(super) fn read(&mut self, path: &Path, seen: Attributes) -> Result<Vec<u8>, Fault> {
        let what = path.display().to_string();
        let changed = || Fault::Changed(format!("{what}: it changed while it was read"));
        let mut file = self.bounded(&what)?.open(path).map_err(|e| Fault::of(&what, &e))?;
        // It grows with what has come, so that a promise of much costs nothing.
        let mut bytes = Vec::new();
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            self.bounded(&what)?;
            let count = file.read(&mut chunk).map_err(|e| Fault::of_io(&what, &e))?;
            bytes.extend_from_slice(chunk.get(..count).unwrap_or_default());
            if bytes.len() as u64 > seen.size {
                return Err(changed());
            }
            if count == 0 {
                break;
            }
        }
        self.bounded(&what)?;
        let now = file.stat().map_err(|e| Fault::of(&what, &e))?;
        let is_same = bytes.len() as u64 == seen.size && Attributes::of(&now) == Some(seen);
        if is_same { Ok(bytes) } else { Err(changed()) }
    }

    /// Writes a file and waits until the server's disk has it, where the server can tell.
    pub(super) fn write(&mut self, path: &Path, bytes: &[u8]) -> Result<(), Fault> {
        let what = path.display().to_string();
        let mut file = self.bounded(&what)?.create(path).map_err(|e| Fault::of(&what, &e))?;
        let mut rest = bytes;
        while !rest.is_empty() {
            self.bounded(&what)?;
            let chunk = rest.get(..CHUNK_BYTES).unwrap_or(rest);
            let count = file.write(chunk).map_err(|e| Fault::of_io(&what, &e))?;
            rest = rest.get(count..).unwrap_or_default();
        }
        self.bounded(&what)?;
        match file.fsync().map_err(|e| Fault::of(&what, &e)) {
            Ok(()) | Err(Fault::Unsupported) => {}
            Err(fault) => return Err(fault),
        }
        self.bounded(&what)?;
        file.close().map_err(|e| Fault::of(&what, &e))?;
        match self.attributes(path)? {
            Some(written) if written.size == bytes.len() as u64 => Ok(()),
            Some(written) => Err(Fault::Refused(format!(
                "{what}: {} bytes were sent, and {} are there",
                bytes.len(),
                written.size
            ))),
            None => Err(Fault::Refused(format!("{what}: it was written, and is not there"))),
        }
    }

    /// Renames a file onto a name that is free.
    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> Result<(), Fault> {
        let what = format!("{} to {}", from.display(), to.display());
        // No flags: what is there stays there.
        let renamed = self.bounded(&what)?.rename(from, to, Some(RenameFlags::empty()));
        renamed.map_err(|e| Fault::of(&what, &e))
    }

    /// Removes a file. One that is gone already is no error.
    pub(super) fn remove(&mut self, path: &Path) -> Result<(), Fault> {
        let what = path.display().to_string();
        match self.bounded(&what)?.unlink(path).map_err(|e| Fault::of(&what, &e)) {
            Err(Fault::Missing(_)) => Ok(()),
            done => done,
        }
    }

    /// Makes a folder.
    pub(super) fn make_folder(&mut self, path: &Path) -> Result<(), Fault> {
        let what = path.display().to_string();
        self.bounded(&what)?.mkdir(path, 0o750).map_err(|e| Fault::of(&what, &e))
    }
}
