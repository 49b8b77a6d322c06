//! The way to an AS2 partner's server: times, proxy, TLS, and who we are there.

use std::time::Duration;

use super::super::mailbox::span;
use super::super::secret::Secret;
use super::super::section::{Section, Words};
use super::{MINUTE, SECOND, url};

/// The way to a partner's server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct As2Server {
    /// Until connected, TLS included.
    pub connect_timeout: Duration,
    /// From the first byte that is sent to the last of the answer.
    pub timeout: Duration,
    /// A proxy: `http://proxy.example:3128`.
    pub proxy: Option<String>,
    /// Whom we log in as.
    pub login: Option<As2Login>,
    /// Files of certificates that the server's own may rest on, besides those that the machine trusts.
    pub authorities: Vec<String>,
    /// Our certificate for a server that asks for one.
    pub client: Option<As2ClientCertificate>,
}

/// Whom we log in as at a partner's server, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct As2Login {
    /// How the password is shown.
    pub scheme: As2LoginScheme,
    /// The user.
    pub user: String,
    /// The password.
    pub password: Secret,
}

/// How a password is shown to a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum As2LoginScheme {
    /// As it is (RFC 7617).
    Basic,
    /// By a digest that answers a challenge (RFC 7616).
    Digest,
}

impl Words for As2LoginScheme {
    const WORDS: &'static [(&'static str, Self)] =
        &[("basic", Self::Basic), ("digest", Self::Digest)];
}

/// A TLS client certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct As2ClientCertificate {
    /// A file in PEM: our certificate, then those that it rests on.
    pub certificate: String,
    /// Its key, in PEM.
    pub key: Secret,
}

impl As2Server {
    pub(super) fn read(section: &mut Section<'_>, url_of_partner: Option<&str>) -> Self {
        Self {
            connect_timeout: span(section, "connect_timeout", 15 * SECOND, 5 * MINUTE),
            timeout: span(section, "timeout", 5 * MINUTE, 60 * MINUTE),
            proxy: url(section, "proxy", false),
            login: login(section, url_of_partner),
            authorities: section.texts("server_authorities"),
            client: client(section, url_of_partner),
        }
    }
}

fn is_plain(url: Option<&str>) -> bool {
    url.and_then(|url| url.get(..8)).is_some_and(|start| !start.eq_ignore_ascii_case("https://"))
}

fn login(section: &mut Section<'_>, url_of_partner: Option<&str>) -> Option<As2Login> {
    let user = section.text("user").map(str::to_owned);
    let password = section.secret("password");
    if user.is_none() {
        section.idle("password", "there is no `user`");
        section.idle("login", "there is no `user`");
        // Notes that the key is known.
        section.node("login");
        return None;
    }
    let scheme = section.choice("login", As2LoginScheme::Basic);
    if !section.has("password") {
        section.missing("password");
    } else if scheme == As2LoginScheme::Basic && is_plain(url_of_partner) {
        section.warn_key("password", "goes over the wire as it is: `url` is not https");
    }
    Some(As2Login { scheme, user: user?, password: password? })
}

fn client(section: &mut Section<'_>, url_of_partner: Option<&str>) -> Option<As2ClientCertificate> {
    let certificate = section.text("client_certificate").map(str::to_owned);
    let key = section.secret("client_key");
    match (section.has("client_certificate"), section.has("client_key")) {
        (true, false) => section.missing("client_key"),
        (false, true) => section.missing("client_certificate"),
        _ => {}
    }
    if certificate.as_ref().is_some_and(|file| file.contains("-----BEGIN")) {
        section.wrong_key("client_certificate", "names a file; it does not stand here itself");
    }
    if is_plain(url_of_partner) {
        section.idle("client_certificate", "`url` is not https");
    }
    Some(As2ClientCertificate { certificate: certificate?, key: key? })
}
