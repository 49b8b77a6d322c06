//! Mail: each message is one text mail, handed to a mail server over SMTP.

use std::time::SystemTime;

use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Mailboxes, MessageBuilder};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::{SmtpTransport, Transport as _};

use super::{Destination, Error, Message, SmtpSettings, SmtpTls};
use crate::causes::chain;
use crate::secrets::read_secret;

/// A mail server, and whom it sends to. Each mail is a connection of its own.
pub struct SmtpDestination {
    settings: SmtpSettings,
    from: Mailbox,
    to: Mailboxes,
}

impl SmtpDestination {
    /// Nothing is opened before there is something to be sent.
    ///
    /// # Errors
    /// An address that is none.
    pub fn new(settings: SmtpSettings) -> Result<Self, Error> {
        let from = mailbox(&settings.from).map_err(Error::new)?;
        let to = settings.to.iter().map(|address| mailbox(address).map_err(Error::new));
        let to = to.collect::<Result<Vec<_>, _>>()?.into_iter().collect();
        Ok(Self { settings, from, to })
    }

    fn transport(&self) -> Result<SmtpTransport, Error> {
        let SmtpSettings { host, port, tls, login, timeout, .. } = &self.settings;
        let parameters = || TlsParameters::new(host.clone()).map_err(|e| Error::new(chain(&e)));
        let tls = match tls {
            SmtpTls::Starttls => Tls::Required(parameters()?),
            SmtpTls::Implicit => Tls::Wrapper(parameters()?),
            SmtpTls::None => Tls::None,
        };
        let mut builder =
            SmtpTransport::builder_dangerous(host).port(*port).tls(tls).timeout(Some(*timeout));
        if let Some((user, password)) = login {
            let password = read_secret(password).map_err(Error::new)?;
            builder = builder.credentials(Credentials::new(user.clone(), password));
        }
        Ok(builder.build())
    }

    fn mail(&self, message: &Message) -> Result<lettre::Message, Error> {
        // A line break would begin another header.
        let title = message.title.split_whitespace().collect::<Vec<_>>().join(" ");
        let domain = self.from.email.domain();
        let builder: MessageBuilder = lettre::Message::builder()
            .from(self.from.clone())
            .mailbox(lettre::message::header::To::from(self.to.clone()))
            .subject(title)
            .date(SystemTime::from(message.at))
            .message_id(Some(format!("<{}@{domain}>", message.id)))
            .header(ContentType::TEXT_PLAIN);
        let mut mail = builder.body(message.text.clone()).map_err(|e| Error::new(chain(&e)))?;
        // No machine should answer a machine.
        let name = HeaderName::new_from_ascii_str("Auto-Submitted");
        mail.headers_mut().insert_raw(HeaderValue::new(name, "auto-generated".to_owned()));
        Ok(mail)
    }
}

impl Destination for SmtpDestination {
    fn send(&self, message: &Message) -> Result<(), Error> {
        let mail = self.mail(message)?;
        self.transport()?.send(&mail).map(|_| ()).map_err(|e| Error::new(chain(&e)))
    }
}

/// Reads an address.
///
/// # Errors
/// In words: it is none.
pub(super) fn mailbox(address: &str) -> Result<Mailbox, String> {
    address.parse().map_err(|e| format!("{address:?} is no mail address: {e}"))
}
