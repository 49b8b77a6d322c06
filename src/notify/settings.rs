//! What destinations need, as data.

use std::time::Duration;

use crate::profile::Secret;

/// What a webhook needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookSettings {
    /// Where messages are posted to.
    pub url: Address,
    /// What messages are signed with; nothing: they are not signed.
    pub secret: Option<Secret>,
    /// Sent as `Authorization: Bearer …`.
    pub bearer: Option<Secret>,
    /// From the first byte of the call to the last of the answer.
    pub timeout: Duration,
}

/// An address, or where it stands: with some services it is a secret itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// As it is.
    Plain(String),
    /// By reference.
    Secret(Secret),
}

/// What a mail server needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmtpSettings {
    /// The mail server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is kept from others.
    pub tls: SmtpTls,
    /// User and password; nothing: nobody logs in.
    pub login: Option<(String, Secret)>,
    /// Whom mails are from: `edi@northdock.example`, or `EDI desk <edi@northdock.example>`.
    pub from: String,
    /// Whom they go to.
    pub to: Vec<String>,
    /// The longest that the server may take for each answer.
    pub timeout: Duration,
}

/// How the connection to a mail server is kept from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SmtpTls {
    /// It begins in the clear and has to become TLS before anything is said.
    Starttls,
    /// It is TLS from the first byte.
    Implicit,
    /// Not at all.
    None,
}

impl SmtpTls {
    /// The port that is usual for it.
    #[must_use]
    pub fn port(self) -> u16 {
        match self {
            Self::Starttls => 587,
            Self::Implicit => 465,
            Self::None => 25,
        }
    }
}

/// Where messages go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Settings {
    /// To a webhook.
    Webhook(WebhookSettings),
    /// By mail.
    Smtp(SmtpSettings),
}
