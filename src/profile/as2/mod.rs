//! `[mailbox.as2]`: a partner with whom messages are exchanged over AS2 (RFC 4130).

mod server;

pub use server::{As2ClientCertificate, As2Login, As2LoginScheme, As2Server};

use std::sync::Arc;
use std::time::Duration;

use super::mailbox::{has_control, span};
use super::node::Value;
use super::secret::Secret;
use super::section::{Section, Words};

/// `[mailbox.as2]`: a mailbox that is an AS2 partner.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is an agreement of its own, and all may be so at once"
)]
pub struct As2 {
    /// Our AS2 name.
    pub own_name: String,
    /// The partner's AS2 name.
    pub partner_name: String,
    /// Where messages to the partner are posted.
    pub url: String,
    /// Our key with its certificate (PEM or PKCS#12): it signs, and opens what was encrypted for it.
    pub key: Secret,
    /// What the keys are locked with.
    pub key_passphrase: Option<Secret>,
    /// Further keys of ours, with their certificates: messages that were encrypted for them are opened too.
    pub other_keys: Vec<Secret>,
    /// The partner's certificates, each a file in PEM or DER: relative to `crossdock.toml`.
    pub certificates: Vec<String>,
    /// Files with lists of revoked certificates, in PEM or DER.
    pub crl: Vec<String>,
    /// Files with the certificates of those who issue the lists.
    pub crl_issuers: Vec<String>,
    /// The digest that messages are signed with; nothing: they are not.
    pub sign: Option<As2Digest>,
    /// The cipher that messages are encrypted with; nothing: they are not.
    pub encrypt: Option<As2Cipher>,
    /// Whether the content's key is encrypted with OAEP rather than PKCS #1.
    pub oaep: bool,
    /// Where messages are compressed.
    pub compress: As2Compression,
    /// The partner's messages are signed.
    pub require_signed: bool,
    /// The partner's messages are encrypted.
    pub require_encrypted: bool,
    /// SHA-1 and Triple DES will do, both ways.
    pub legacy: bool,
    /// The receipt (MDN) that is asked for.
    pub receipt: As2Receipt,
    /// Whether it has to be signed.
    pub receipt_signed: bool,
    /// A receipt that comes later is overdue after so long.
    pub receipt_within: Duration,
    /// How often a message is sent again whose receipt is overdue.
    pub retries: u32,
    /// Hosts besides that of `url` which the partner may have its own receipts sent to.
    pub receipt_hosts: Vec<String>,
    /// The way to its server.
    pub server: As2Server,
    /// At most so many documents leave in one message.
    pub documents_max: usize,
    /// The line for people on each message.
    pub subject: String,
    /// The type of what is sent.
    pub content_type: String,
}

impl As2 {
    /// The mailbox as one name: `as2:PARTNER/US`.
    #[must_use]
    pub fn address(&self) -> String {
        format!("as2:{}/{}", self.partner_name, self.own_name)
    }

    /// Whether a receipt may be sent to a host.
    #[must_use]
    pub fn may_answer(&self, host: &str) -> bool {
        let own = host_of(&self.url);
        let hosts = own.into_iter().chain(self.receipt_hosts.iter().map(String::as_str));
        hosts.into_iter().any(|known| known.eq_ignore_ascii_case(host))
    }
}

/// The host of an address over HTTP; nothing where it is none.
#[must_use]
pub fn host_of(url: &str) -> Option<&str> {
    let lower = url.get(..8).unwrap_or(url).to_ascii_lowercase();
    let rest = if lower.starts_with("https://") {
        url.get(8..)?
    } else if lower.starts_with("http://") {
        url.get(7..)?
    } else {
        return None;
    };
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let authority = authority.rsplit('@').next().unwrap_or_default();
    let (host, port) = match authority.strip_prefix('[') {
        // An address of IPv6.
        Some(inner) => inner.split_once(']').map(|(host, rest)| (host, rest.strip_prefix(':')))?,
        None => {
            authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port)))
        }
    };
    let fits = |c: char| c.is_ascii_alphanumeric() || ".-_:".contains(c);
    let port_fits = port.is_none_or(|port| port.parse::<u16>().is_ok());
    (!host.is_empty() && host.chars().all(fits) && port_fits).then_some(host)
}

/// A digest of signatures and receipts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum As2Digest {
    /// SHA-1, where `legacy` allows it.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

/// A cipher of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum As2Cipher {
    /// Triple DES, where `legacy` allows it.
    TripleDes,
    /// AES with CBC, 128 bits.
    Aes128Cbc,
    /// AES with CBC, 192 bits.
    Aes192Cbc,
    /// AES with CBC, 256 bits.
    Aes256Cbc,
    /// AES with GCM, 128 bits.
    Aes128Gcm,
    /// AES with GCM, 192 bits.
    Aes192Gcm,
    /// AES with GCM, 256 bits.
    Aes256Gcm,
}

impl Words for Option<As2Digest> {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("sha-256", Some(As2Digest::Sha256)),
        ("sha-384", Some(As2Digest::Sha384)),
        ("sha-512", Some(As2Digest::Sha512)),
        ("sha1", Some(As2Digest::Sha1)),
        ("none", None),
    ];
}

impl Words for Option<As2Cipher> {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("aes-128-cbc", Some(As2Cipher::Aes128Cbc)),
        ("aes-192-cbc", Some(As2Cipher::Aes192Cbc)),
        ("aes-256-cbc", Some(As2Cipher::Aes256Cbc)),
        ("aes-128-gcm", Some(As2Cipher::Aes128Gcm)),
        ("aes-192-gcm", Some(As2Cipher::Aes192Gcm)),
        ("aes-256-gcm", Some(As2Cipher::Aes256Gcm)),
        ("des-ede3-cbc", Some(As2Cipher::TripleDes)),
        ("none", None),
    ];
}

/// Where messages are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum As2Compression {
    /// Nowhere.
    None,
    /// Before they are signed.
    BeforeSigning,
    /// After they are signed.
    AfterSigning,
}

impl Words for As2Compression {
    const WORDS: &'static [(&'static str, Self)] = &[
        ("none", Self::None),
        ("before-signing", Self::BeforeSigning),
        ("after-signing", Self::AfterSigning),
    ];
}

/// The receipt (MDN) that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum As2Receipt {
    /// In the answer to the message.
    Sync,
    /// Later, to our own address.
    Async,
    /// None: that the message was taken is all that is known.
    None,
}

impl Words for As2Receipt {
    const WORDS: &'static [(&'static str, Self)] =
        &[("sync", Self::Sync), ("async", Self::Async), ("none", Self::None)];
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Padding {
    Pkcs1,
    Oaep,
}

impl Words for Padding {
    const WORDS: &'static [(&'static str, Self)] = &[("pkcs1", Self::Pkcs1), ("oaep", Self::Oaep)];
}

/// Certificates of one partner: one in use, one to come, and room for what nobody has taken out.
const CERTIFICATES_MAX: usize = 16;
/// Documents that leave in one message: as many as the record of the message can name.
const DOCUMENTS_MAX: u64 = 8;
const MINUTE: Duration = Duration::from_mins(1);
const SECOND: Duration = Duration::from_secs(1);

impl As2 {
    /// Reads the section; `None` where something that must be there is not.
    pub(super) fn read(section: &mut Section<'_>, is_base: bool) -> Option<Arc<Self>> {
        let own_name = name(section, "own_name", is_base);
        let partner_name = name(section, "partner_name", is_base);
        if own_name.is_some() && own_name == partner_name {
            section.wrong_key("partner_name", "is another name than `own_name`");
        }
        let url = url(section, "url", !is_base);
        if !is_base && !section.has("key") {
            section.missing("key");
        }
        let key = section.secret("key");
        let key_passphrase = section.secret("key_passphrase");
        let other_keys = secrets(section, "other_keys");
        let certificates = certificates(section, is_base);
        let (crl, crl_issuers) = revocation(section);
        let legacy = section.flag("legacy", false);
        let (sign, encrypt) = algorithms(section, legacy);
        if sign.is_none() {
            section
                .warn_key("sign", "leaves the partner without a proof of who has sent a document");
        }
        let oaep = section.choice("padding", Padding::Pkcs1) == Padding::Oaep;
        if encrypt.is_none() {
            section.idle("padding", "messages are not encrypted");
        }
        let compress = section.choice("compress", As2Compression::None);
        let require_signed = section.flag("require_signed", true);
        let require_encrypted = section.flag("require_encrypted", true);
        let receipt = Receipts::read(section);
        let server = As2Server::read(section, url.as_deref());
        let documents_max = section.number("documents_max", 1, (1, DOCUMENTS_MAX));
        let documents_max = usize::try_from(documents_max).unwrap_or(1);
        let subject = header(section, "subject", "EDI");
        let content_type = header(section, "content_type", "application/edi-x12");
        if !content_type.contains('/') {
            section.wrong_key("content_type", "is a type such as \"application/edi-x12\"");
        }
        Some(Arc::new(Self {
            own_name: own_name?,
            partner_name: partner_name?,
            url: url?,
            key: key?,
            key_passphrase,
            other_keys,
            certificates,
            crl,
            crl_issuers,
            sign,
            encrypt,
            oaep,
            compress,
            require_signed,
            require_encrypted,
            legacy,
            receipt: receipt.receipt,
            receipt_signed: receipt.signed,
            receipt_within: receipt.within,
            retries: receipt.retries,
            receipt_hosts: receipt.hosts,
            server,
            documents_max,
            subject,
            content_type,
        }))
    }
}

/// What messages are signed and encrypted with.
fn algorithms(section: &mut Section<'_>, legacy: bool) -> (Option<As2Digest>, Option<As2Cipher>) {
    let sign = section.choice("sign", Some(As2Digest::Sha256));
    let encrypt = section.choice("encrypt", Some(As2Cipher::Aes128Cbc));
    if !legacy {
        let old = "is for partners who have nothing newer: it needs `legacy = true`";
        if sign == Some(As2Digest::Sha1) {
            section.wrong_key("sign", old);
        }
        if encrypt == Some(As2Cipher::TripleDes) {
            section.wrong_key("encrypt", old);
        }
    }
    if encrypt.is_none() {
        section.warn_key("encrypt", "sends documents in the clear, but for what TLS does");
    }
    (sign, encrypt)
}

/// What is said of receipts.
struct Receipts {
    receipt: As2Receipt,
    signed: bool,
    within: Duration,
    retries: u32,
    hosts: Vec<String>,
}

impl Receipts {
    fn read(section: &mut Section<'_>) -> Self {
        let receipt = section.choice("receipt", As2Receipt::Sync);
        let signed = section.flag("receipt_signed", true);
        let within = span(section, "receipt_within", 30 * MINUTE, 7 * 24 * 60 * MINUTE);
        let retries = u32::try_from(section.number("retries", 3, (0, 100))).unwrap_or(3);
        if receipt == As2Receipt::None {
            section.idle("receipt_signed", "no receipt is asked for");
            section.warn_key("receipt", "leaves us without a proof that a document was received");
        }
        if receipt != As2Receipt::Async {
            section.idle("receipt_within", "it belongs to `receipt = \"async\"`");
            section.idle("retries", "it belongs to `receipt = \"async\"`");
        }
        let hosts = section.texts("receipt_hosts");
        if hosts.iter().any(|host| host_of(&format!("http://{host}")) != Some(host)) {
            section.wrong_key("receipt_hosts", "are names of hosts: \"mdn.example.com\"");
        }
        Self { receipt, signed, within, retries, hosts }
    }
}

fn name(section: &mut Section<'_>, key: &'static str, is_base: bool) -> Option<String> {
    let text = if is_base { section.text(key) } else { section.required(key) }?;
    let is_printable = text.bytes().all(|b| (b' '..=b'~').contains(&b));
    if !is_printable || !(1..=128).contains(&text.len()) || text.trim() != text {
        section.wrong_key(key, "is an AS2 name: 1 to 128 printable ASCII characters");
        return None;
    }
    Some(text.to_owned())
}

fn url(section: &mut Section<'_>, key: &'static str, needed: bool) -> Option<String> {
    let text = if needed { section.required(key) } else { section.text(key) }?;
    if host_of(text).is_none() || has_control(text) || text.contains(' ') {
        section.wrong_key(key, "is an address such as \"https://as2.example.com/in\"");
        return None;
    }
    let authority = text.split("//").nth(1).and_then(|rest| rest.split('/').next());
    if authority.is_some_and(|authority| authority.contains('@')) {
        let words = "has a password in it: secrets stand in no profile but as env:NAME or file:PATH (`user` and `password`)";
        section.wrong_key(key, words);
        return None;
    }
    Some(text.to_owned())
}

/// A list of secrets by reference.
fn secrets(section: &mut Section<'_>, key: &'static str) -> Vec<Secret> {
    let mut found = Vec::new();
    if let Some(Value::List(list)) = section.node(key).map(|node| &node.value) {
        for item in list {
            let Value::Text(text) = &item.value else { continue };
            match text.parse() {
                Ok(secret) => found.push(secret),
                Err(words) => {
                    section.wrong(&item.origin, format!("`{key}`: {words}"));
                    // What is no reference may be a secret itself: it is shown nowhere.
                    return Vec::new();
                }
            }
        }
    }
    // Notes the row, and tells of what is no list of texts.
    section.texts(key);
    found
}

fn certificates(section: &mut Section<'_>, is_base: bool) -> Vec<String> {
    let files = section.texts("certificates");
    if files.is_empty() && !is_base && !section.has("certificates") {
        section.missing("certificates");
    } else if files.is_empty() && !is_base || files.len() > CERTIFICATES_MAX {
        let words = format!("names 1 to {CERTIFICATES_MAX} files with certificates of the partner");
        section.wrong_key("certificates", words);
    }
    are_files(section, "certificates", &files);
    files
}

fn are_files(section: &mut Section<'_>, key: &'static str, files: &[String]) {
    if files.iter().any(|file| file.contains("-----BEGIN") || file.trim().is_empty()) {
        section.wrong_key(key, "names files; what is in them does not stand here itself");
    }
}

/// Lists of revoked certificates, and whose signatures they have.
fn revocation(section: &mut Section<'_>) -> (Vec<String>, Vec<String>) {
    let (crl, issuers) = (section.texts("crl"), section.texts("crl_issuers"));
    for (key, files) in [("crl", &crl), ("crl_issuers", &issuers)] {
        are_files(section, key, files);
        if files.len() > CERTIFICATES_MAX {
            section.wrong_key(key, format!("names at most {CERTIFICATES_MAX} files"));
        }
    }
    if crl.is_empty() {
        section.idle("crl_issuers", "there is no `crl`");
    } else if issuers.is_empty() {
        section.warn_key("crl", "is believed as it lies there: without `crl_issuers` nobody's signature on it is verified");
    }
    (crl, issuers)
}

/// The value of a header field.
fn header(section: &mut Section<'_>, key: &'static str, usual: &str) -> String {
    let text = section.text_or(key, usual);
    if text.trim().is_empty() || !text.bytes().all(|b| (b' '..=b'~').contains(&b)) {
        section.wrong_key(key, "is a line of printable ASCII characters");
        return usual.to_owned();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::host_of;

    #[test]
    fn addresses_have_a_host() {
        for (url, host) in [
            ("https://as2.example.com/in", Some("as2.example.com")),
            ("HTTP://10.0.0.1:8080", Some("10.0.0.1")),
            ("https://[::1]:4080/x", Some("::1")),
            ("https://user:pass@host/x", Some("host")),
            ("https://a.example\\@b.example/", Some("a.example")),
            ("ftp://host/x", None),
            ("https://", None),
            ("https://ho st/", None),
            ("https://host:port/", None),
            ("host", None),
        ] {
            assert_eq!(host_of(url), host, "{url}");
        }
    }
}
