//! `[mailbox]`: where files are exchanged with a partner, and when it is looked into.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::as2::As2;
use super::node::Value;
use super::schedule::Schedule;
use super::secret::Secret;
use super::section::{Section, Words};

/// `[mailbox]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// The folder that holds `inbound`, `outbound`, `archive` and `quarantine`; with `[mailbox.sftp]` and
    /// `[mailbox.as2]` only `quarantine`. Relative to `crossdock.toml`. Several partners may share one, as in a value-added network's
    /// mailbox.
    pub folder: String,
    /// When it is looked into; where it is not given, as `crossdock.toml` says.
    pub schedule: Option<Schedule>,
    /// The server that it is on; none where it is a folder.
    pub sftp: Option<Arc<Sftp>>,
    /// The AS2 partner that it is; none where it is something else.
    pub as2: Option<Arc<As2>>,
}

impl Mailbox {
    /// Where it is: its folder, or the address of its server or AS2 partner.
    #[must_use]
    pub fn address(&self) -> String {
        let of_server = self.sftp.as_ref().map(|sftp| sftp.address());
        let of_partner = || self.as2.as_ref().map(|as2| as2.address());
        of_server.or_else(of_partner).unwrap_or_else(|| self.folder.clone())
    }
}

/// `[mailbox.sftp]`: a mailbox on an SFTP server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sftp {
    /// Name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Whom we log in as.
    pub user: String,
    /// The private key, in OpenSSH's or PEM's form.
    pub key: Option<Secret>,
    /// What the private key is locked with.
    pub key_passphrase: Option<Secret>,
    /// The password; where a key is given too, for servers that want both.
    pub password: Option<Secret>,
    /// Fingerprints of the server's keys that are trusted: `SHA256:…`. With any other, nothing is sent.
    pub host_keys: Vec<HostKey>,
    /// The server's folder with files for us.
    pub inbound: String,
    /// The server's folder for our files.
    pub outbound: String,
    /// What becomes of a file there once its bytes are safe.
    pub after: After,
    /// Which files of `inbound` are for us: `*.edi`.
    pub pattern: glob::Pattern,
    /// How a file is known to be finished.
    pub finished: Finished,
    /// The name under which our files appear; `{name}`, `{stem}`, `{extension}` and `{id}` stand for parts of it.
    pub upload_name: String,
    /// Until connected and logged in.
    pub connect_timeout: Duration,
    /// A server that says nothing for so long is given up.
    pub idle_timeout: Duration,
    /// The longest that one listing or one transfer may take in all.
    pub operation_timeout: Duration,
    /// A session that waits is kept alive as often.
    pub keepalive: Duration,
    /// A session that was not used for so long is closed.
    pub close_after: Duration,
}

impl Sftp {
    /// The mailbox as one name: `sftp://user@host:port/inbound`.
    #[must_use]
    pub fn address(&self) -> String {
        let Self { host, port, user, inbound, .. } = self;
        format!("sftp://{user}@{host}:{port}/{}", inbound.trim_start_matches('/'))
    }
}

/// What becomes of a file on the server once its bytes are safe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum After {
    /// It is moved into this folder of the server.
    Archive(String),
    /// It is deleted.
    Delete,
}

/// How a file is known to be finished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finished {
    /// Its size and time of change stayed the same for so long, over two looks at least.
    Stable(Duration),
    /// Another file of this name lies beside it: `{name}.done`.
    Marker(String),
    /// It has its name: the partner writes under another, and renames.
    Rename,
}

impl Finished {
    /// The name of the marker for a file; none where there are no markers.
    #[must_use]
    pub fn marker_of(&self, name: &str) -> Option<String> {
        let Self::Marker(template) = self else { return None };
        Some(fill_in(template, name, ""))
    }
}

/// Fills a template in for a file: its `{name}`, `{stem}`, `{extension}` (with its dot) and `{id}`.
#[must_use]
pub fn fill_in(template: &str, name: &str, id: &str) -> String {
    let dot = name.rfind('.').filter(|&at| at > 0).unwrap_or(name.len());
    let (stem, extension) = name.split_at(dot);
    let mut filled = String::with_capacity(template.len() + name.len());
    let mut rest = template;
    // From left to right: what is filled in is never looked at again.
    while let Some(at) = rest.find('{') {
        let (before, from) = rest.split_at(at);
        filled.push_str(before);
        let parts = [("{name}", name), ("{stem}", stem), ("{extension}", extension), ("{id}", id)];
        let part = parts.into_iter().find(|(part, _)| from.starts_with(part));
        let (part, value) = part.unwrap_or(("{", "{"));
        filled.push_str(value);
        rest = from.get(part.len()..).unwrap_or_default();
    }
    filled + rest
}

/// The fingerprint of a server's key as `ssh-keygen -l` shows it: `SHA256:` and 43 characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct HostKey(String);

impl std::str::FromStr for HostKey {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim().trim_end_matches('=');
        let digest = text.strip_prefix("SHA256:").unwrap_or_default();
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/');
        if digest.len() == 43 && digest.chars().all(fits) {
            return Ok(Self(text.to_owned()));
        }
        Err("the fingerprint of a server's key is SHA256: and 43 characters, as `ssh-keygen -l` shows it".to_owned())
    }
}

impl fmt::Display for HostKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum AfterWord {
    #[default]
    Archive,
    Delete,
}

impl Words for AfterWord {
    const WORDS: &'static [(&'static str, Self)] =
        &[("archive", Self::Archive), ("delete", Self::Delete)];
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum FinishedWord {
    #[default]
    Stable,
    Marker,
    Rename,
}

impl Words for FinishedWord {
    const WORDS: &'static [(&'static str, Self)] =
        &[("stable", Self::Stable), ("marker", Self::Marker), ("rename", Self::Rename)];
}

/// A day: a mailbox that is looked into more seldom has a schedule, or is a mistake.
const POLL_SECONDS_MAX: u64 = 86_400;

impl Mailbox {
    /// Reads the section; `None` where something that must be there is not.
    pub(super) fn read(whole: &mut Section<'_>, is_base: bool) -> Option<Self> {
        if !whole.has("mailbox") && !is_base {
            whole.missing("mailbox");
        }
        let mut section = whole.section("mailbox");
        let folder = if section.is_there() && !is_base {
            section.required("folder")
        } else {
            section.text("folder")
        };
        if folder.is_some_and(|folder| folder.trim().is_empty() || has_control(folder)) {
            section.wrong_key("folder", "is the path of a folder");
        }
        let folder = folder.map(str::to_owned);
        let schedule = schedule(&mut section);
        let has_sftp = section.has("sftp");
        let mut of_sftp = section.section("sftp");
        let sftp = if has_sftp { Sftp::read(&mut of_sftp, is_base) } else { None };
        of_sftp.end();
        let has_as2 = section.has("as2");
        let mut of_as2 = section.section("as2");
        let as2 = if has_as2 { As2::read(&mut of_as2, is_base) } else { None };
        of_as2.end();
        if has_sftp && has_as2 {
            section.wrong_key("as2", "stands beside `sftp`: a mailbox is one of them");
        }
        if has_as2 {
            section.idle("poll_seconds", "an AS2 partner sends by itself");
            section.idle("schedule", "an AS2 partner sends by itself");
        }
        section.end();
        if has_sftp && sftp.is_none() || has_as2 && as2.is_none() {
            return None;
        }
        Some(Self { folder: folder?, schedule, sftp: sftp.map(Arc::new), as2 })
    }
}

fn schedule(section: &mut Section<'_>) -> Option<Schedule> {
    if section.has("poll_seconds") && section.has("schedule") {
        section.wrong_key("schedule", "stands beside `poll_seconds`: a mailbox has one of them");
    }
    let every = if section.has("poll_seconds") {
        let seconds = section.number("poll_seconds", 5, (1, POLL_SECONDS_MAX));
        Some(Schedule::Every(Duration::from_secs(seconds)))
    } else {
        section.node("poll_seconds");
        None
    };
    let text = section.text("schedule")?;
    match text.parse() {
        Ok(times) => Some(times),
        Err(words) => {
            let form = "minute, hour, day of the month, month and day of the week, such as \"*/15 6-20 * * MON-FRI\"";
            section.wrong_key("schedule", format!("is a cron expression: {form}. {words}"));
            every
        }
    }
}

const MINUTE: Duration = Duration::from_mins(1);
const SECOND: Duration = Duration::from_secs(1);

impl Sftp {
    fn read(section: &mut Section<'_>, is_base: bool) -> Option<Self> {
        let mut needed = |key| {
            let text = if is_base { section.text(key) } else { section.required(key) };
            if text.is_some_and(|text| text.trim().is_empty() || has_control(text)) {
                section.wrong_key(key, "is a name");
                return None;
            }
            text.map(str::to_owned)
        };
        let (host, user) = (needed("host"), needed("user"));
        if host.as_ref().is_some_and(|host| host.contains(['/', ' ', '@'])) {
            section.wrong_key("host", "is a name or an address alone, such as sftp.example.com");
        }
        let port = u16::try_from(section.number("port", 22, (1, 65_535))).unwrap_or(22);
        let [key, key_passphrase, password] =
            ["key", "key_passphrase", "password"].map(|key| section.secret(key));
        if !is_base && !section.has("key") && !section.has("password") {
            section.missing("key` or `password");
        }
        if !section.has("key") {
            section.idle("key_passphrase", "there is no `key`");
        }
        let host_keys = host_keys(section, is_base);
        let inbound = folder(section, "inbound", "inbound");
        let outbound = folder(section, "outbound", "outbound");
        let after = after(section);
        let archive = match &after {
            After::Archive(archive) => Some(("archive", archive)),
            After::Delete => None,
        };
        // What we put there would come back to us.
        for (key, other) in [Some(("outbound", &outbound)), archive].into_iter().flatten() {
            if *other == inbound {
                section.wrong_key(key, "is another folder than `inbound`");
            }
        }
        let pattern = pattern(section);
        let finished = finished(section);
        let upload_name = upload_name(section);
        let sftp = Self {
            host: host?,
            port,
            user: user?,
            key,
            key_passphrase,
            password,
            host_keys,
            inbound,
            outbound,
            after,
            pattern,
            finished,
            upload_name,
            connect_timeout: span(section, "connect_timeout", 15 * SECOND, 5 * MINUTE),
            idle_timeout: span(section, "idle_timeout", 30 * SECOND, 10 * MINUTE),
            operation_timeout: span(section, "operation_timeout", 10 * MINUTE, 120 * MINUTE),
            keepalive: span(section, "keepalive", 15 * SECOND, 10 * MINUTE),
            close_after: span(section, "close_after", MINUTE, 60 * MINUTE),
        };
        if sftp.operation_timeout <= sftp.idle_timeout {
            section.idle("idle_timeout", "`operation_timeout` is over before");
        }
        if sftp.keepalive >= sftp.close_after {
            section.idle("keepalive", "the session is closed before (`close_after`)");
        }
        Some(sftp)
    }
}

fn host_keys(section: &mut Section<'_>, is_base: bool) -> Vec<HostKey> {
    let node = section.node("host_keys");
    let mut found = Vec::new();
    if let Some(Value::List(list)) = node.map(|node| &node.value) {
        for item in list {
            if let Value::Text(text) = &item.value {
                match text.parse() {
                    Ok(host_key) => found.push(host_key),
                    Err(words) => section.wrong(&item.origin, format!("`host_keys`: {words}")),
                }
            }
        }
    }
    // Notes the row, and tells of what is no list of texts.
    section.texts("host_keys");
    if found.is_empty() && !is_base {
        let words = "`host_keys` is missing: no key of the server is trusted yet, and without one nothing is exchanged. `crossdock partner trust` shows it, asks, and writes it here";
        section.warn(words);
    }
    found
}

/// A folder of the server.
fn folder(section: &mut Section<'_>, key: &'static str, usual: &str) -> String {
    let text = section.text_or(key, usual);
    let path = match text.trim_end_matches('/') {
        "" if text.is_empty() => ".",
        "" => "/",
        path => path,
    };
    if has_control(path) {
        section.wrong_key(key, "is a folder of the server; a path has no control characters");
    }
    path.strip_prefix("./").unwrap_or(path).to_owned()
}

fn after(section: &mut Section<'_>) -> After {
    match section.choice("after", AfterWord::default()) {
        AfterWord::Archive => After::Archive(folder(section, "archive", "archive")),
        AfterWord::Delete => {
            section.node("archive");
            section.idle("archive", "files are deleted");
            After::Delete
        }
    }
}

fn pattern(section: &mut Section<'_>) -> glob::Pattern {
    let text = section.text_or("pattern", "*");
    if text.is_empty() || text.contains('/') {
        section
            .wrong_key("pattern", "is of names alone, such as \"*.edi\": `inbound` is the folder");
    }
    glob::Pattern::new(&text).unwrap_or_else(|e| {
        section.wrong_key("pattern", format!("is a pattern such as \"*.edi\": {}", e.msg));
        glob::Pattern::default()
    })
}

fn finished(section: &mut Section<'_>) -> Finished {
    let word = section.choice("finished", FinishedWord::default());
    if word != FinishedWord::Stable {
        section.node("settle");
        section.idle("settle", "it belongs to `finished = \"stable\"`");
    }
    if word != FinishedWord::Marker {
        section.node("marker");
        section.idle("marker", "it belongs to `finished = \"marker\"`");
    }
    match word {
        FinishedWord::Stable => {
            Finished::Stable(span(section, "settle", 10 * SECOND, 24 * 60 * MINUTE))
        }
        FinishedWord::Rename => Finished::Rename,
        FinishedWord::Marker => {
            let template = section.text_or("marker", "{name}.done");
            let is_another = fill_in(&template, "a.b", "") != "a.b";
            let names = template.contains("{name}") || template.contains("{stem}");
            if !names || !is_another || !is_file_name(&template) {
                section.wrong_key(
                    "marker",
                    "is the name of the file that says another is finished, such as \"{name}.done\" or \"{stem}.ok\"",
                );
            }
            Finished::Marker(template)
        }
    }
}

fn upload_name(section: &mut Section<'_>) -> String {
    let template = section.text_or("upload_name", "{name}");
    let names = ["{name}", "{stem}", "{id}"].iter().any(|part| template.contains(part));
    if !names || !is_file_name(&template) {
        section.wrong_key(
            "upload_name",
            "is a file name with {name}, {stem} or {id} in it, so that each is another: \"po-{name}\"",
        );
    }
    template
}

fn is_file_name(text: &str) -> bool {
    !text.contains('/') && !has_control(text)
}

pub(super) fn has_control(text: &str) -> bool {
    text.chars().any(char::is_control)
}

/// A span of time with a bound.
pub(super) fn span(
    section: &mut Section<'_>,
    key: &'static str,
    usual: Duration,
    most: Duration,
) -> Duration {
    let span = section.duration_or(key, usual);
    if span > most {
        let most = super::section::in_words(most);
        section.wrong_key(key, format!("is at most {most}"));
        return usual;
    }
    span
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_filled_in() {
        for (template, name, filled) in [
            ("{name}", "a.edi", "a.edi"),
            ("{stem}.done", "a.b.edi", "a.b.done"),
            (
                "X{stem}-{id}{extension}",
                "a.edi",
                "Xa-7{extension}".replace("{extension}", ".edi").as_str(),
            ),
            ("{name}.ok", ".hidden", ".hidden.ok"),
            ("{stem}{extension}", "plain", "plain"),
            ("{", "{name}", "{"),
            ("{name}{id}", "{id}", "{id}7"),
        ] {
            assert_eq!(fill_in(template, name, "7"), filled, "{template} {name}");
        }
    }

    #[test]
    fn fingerprints_are_those_of_ssh_keygen() {
        let good = "SHA256:nThbg6kXUpJWGl7E1IGOCspRomTxdCARLviKw6E5SY8";
        assert_eq!(good.parse::<HostKey>().unwrap().to_string(), good);
        assert!(format!("{good}=").parse::<HostKey>().is_ok(), "with padding it is the same");
        for bad in ["", "SHA256:", "MD5:16:27:ac", &good[7..], "SHA256:short"] {
            assert!(bad.parse::<HostKey>().is_err(), "{bad}");
        }
    }
}
