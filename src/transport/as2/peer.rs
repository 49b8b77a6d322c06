//! A partner over AS2: its names, keys and certificates, and what messages to it are made of.
//!
//! Keys and certificates are read where they are at each use, so that they can be changed while the gateway runs; what
//! was made of them is kept until they change.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use tokio::runtime::Handle;

use super::client::Client;
use super::cms::{Certificate, Cipher, Digest, Padding};
use super::kept::Kept;
use super::keys::{Keys, based, read_file, texts};
use super::login::Login;
use super::message::{
    self, Compression, Document, Encryption, Envelope, Outgoing, Protection, ReceiptRequest,
};
use super::{Name, Policy};
use crate::disk::{create_dir, safe_name, write_to};
use crate::profile::{As2, As2Cipher, As2Compression, As2Digest, As2Receipt};
use crate::secrets::read_secret_bytes;
use crate::transport::{Arrival, Error, Half, Look, Mailbox};

/// A partner, with a folder of ours for what people have to look at.
pub struct Peer {
    settings: Arc<As2>,
    base: PathBuf,
    quarantine: PathBuf,
    own: Name,
    theirs: Name,
    /// Where later receipts come to.
    return_url: Option<String>,
    runtime: Handle,
    client: Kept<Client>,
    keys: Kept<Keys>,
}

impl Peer {
    /// Opens it: reads keys and certificates. The partner is not called. Relative files are relative to `base`; `folder`
    /// is ours, its `quarantine` is made where it is missing. Call it within a tokio runtime.
    ///
    /// # Errors
    /// In words: what cannot be read, or cannot be what it should be.
    pub fn open(
        settings: &Arc<As2>,
        base: &Path,
        folder: &Path,
        return_url: Option<&str>,
    ) -> Result<Self, String> {
        if settings.receipt == As2Receipt::Async && return_url.is_none() {
            return Err("`receipt = \"async\"` needs the `url` of `[as2]` in crossdock.toml: where receipts come to".to_owned());
        }
        let quarantine = folder.join("quarantine");
        create_dir(&quarantine).map_err(|e| format!("{}: {e}", quarantine.display()))?;
        let name = |name: &str| Name::new(name).map_err(|e| e.to_string());
        let peer = Self {
            own: name(&settings.own_name)?,
            theirs: name(&settings.partner_name)?,
            settings: Arc::clone(settings),
            base: base.to_path_buf(),
            quarantine,
            return_url: return_url.map(str::to_owned),
            runtime: Handle::current(),
            client: Kept::default(),
            keys: Kept::default(),
        };
        peer.keys()?;
        peer.client()?;
        Ok(peer)
    }

    /// Our name.
    #[must_use]
    pub fn own(&self) -> &Name {
        &self.own
    }

    /// The partner's name.
    #[must_use]
    pub fn theirs(&self) -> &Name {
        &self.theirs
    }

    /// What the profile says.
    #[must_use]
    pub fn settings(&self) -> &As2 {
        &self.settings
    }

    /// What carries messages to it, with the certificates as they are now.
    ///
    /// # Errors
    /// In words: what cannot be read, or is none.
    pub fn client(&self) -> Result<Arc<Client>, String> {
        let server = &self.settings.server;
        let mut texts = Vec::new();
        for file in &server.authorities {
            texts.push(read_file(&self.base, file)?);
        }
        if let Some(client) = &server.client {
            texts.push(read_file(&self.base, &client.certificate)?);
            let key = read_secret_bytes(&based(&self.base, &client.key));
            texts.push(key.map_err(|words| format!("client_key {}: {words}", client.key))?);
        }
        self.client.of(texts, |texts| {
            let (authorities, own) = texts.split_at(server.authorities.len());
            let own = match own {
                [certificates, key] => Some((certificates.as_slice(), key.as_slice())),
                _ => None,
            };
            let login = server.login.as_ref().map(|login| {
                let password = based(&self.base, &login.password);
                Login::new(login.scheme, login.user.clone(), password)
            });
            Client::new(server, self.runtime.clone(), login, authorities, own)
        })
    }

    /// Our TLS client certificate, where the profile names one.
    #[must_use]
    pub fn client_certificate(&self) -> Option<Certificate> {
        let client = self.settings.server.client.as_ref()?;
        let pem = read_file(&self.base, &client.certificate).ok()?;
        Certificate::read(&pem).ok()
    }

    /// What its messages must have.
    #[must_use]
    pub fn policy(&self) -> Policy {
        let As2 { require_signed, require_encrypted, legacy, .. } = *self.settings;
        Policy { signed: require_signed, encrypted: require_encrypted, legacy }
    }

    /// The keys of both sides, as they are now.
    ///
    /// # Errors
    /// In words: what cannot be read, or is none.
    pub fn keys(&self) -> Result<Arc<Keys>, String> {
        let settings = &self.settings;
        self.keys.of(texts(settings, &self.base)?, |texts| Keys::of(settings, texts))
    }

    /// The receipt that is asked for.
    #[must_use]
    pub fn receipt(&self) -> Option<ReceiptRequest> {
        let to = self.own.as_str();
        let digest = self.settings.sign.map_or(Digest::Sha256, digest);
        let request = if self.settings.receipt_signed {
            ReceiptRequest::signed(to, digest)
        } else {
            ReceiptRequest::unsigned(to)
        };
        match self.settings.receipt {
            As2Receipt::None => None,
            As2Receipt::Sync => Some(request),
            As2Receipt::Async => {
                Some(request.later(self.return_url.as_deref().unwrap_or_default()))
            }
        }
    }

    /// Whether a receipt of the partner's without a digest proves nothing: after AES-GCM.
    #[must_use]
    pub fn needs_mic(&self) -> bool {
        self.settings.encrypt.map(cipher).is_some_and(Cipher::is_authenticated)
    }

    /// Makes a message of documents, each with its name; of several, one with attachments (RFC 6362).
    ///
    /// # Errors
    /// In words: keys that cannot be read, no certificate of the partner in force.
    pub fn build(
        &self,
        documents: Vec<(String, Vec<u8>)>,
        message_id: &str,
        now: Timestamp,
    ) -> Result<Outgoing, String> {
        let keys = self.keys()?;
        let settings = &self.settings;
        let signer = keys.own.first().ok_or("there is no key of ours")?;
        let newest = || {
            let words = format!("no certificate of {} is in force", self.theirs);
            keys.newest(now).ok_or(words)
        };
        let recipient = settings.encrypt.map(|_| newest()).transpose()?;
        let recipients: Vec<&Certificate> = recipient.into_iter().collect();
        let padding = if settings.oaep { Padding::Oaep(Digest::Sha256) } else { Padding::Pkcs1 };
        let protection = Protection {
            sign: settings.sign.map(|one| (signer, digest(one))),
            encrypt: settings.encrypt.map(|one| Encryption {
                cipher: cipher(one),
                padding,
                recipients: &recipients,
            }),
            compress: match settings.compress {
                As2Compression::None => None,
                As2Compression::BeforeSigning => Some(Compression::BeforeSigning),
                As2Compression::AfterSigning => Some(Compression::AfterSigning),
            },
        };
        let document = |(name, content)| Document {
            content,
            content_type: settings.content_type.clone(),
            filename: Some(name),
        };
        let documents: Vec<Document> = documents.into_iter().map(document).collect();
        let receipt = self.receipt();
        let envelope = Envelope {
            from: &self.own,
            to: &self.theirs,
            message_id,
            subject: &settings.subject,
            date: now,
            receipt: receipt.as_ref(),
        };
        message::build(&documents, &envelope, &protection).map_err(|e| e.to_string())
    }
}

fn digest(digest: As2Digest) -> Digest {
    match digest {
        As2Digest::Sha1 => Digest::Sha1,
        As2Digest::Sha256 => Digest::Sha256,
        As2Digest::Sha384 => Digest::Sha384,
        As2Digest::Sha512 => Digest::Sha512,
    }
}

fn cipher(cipher: As2Cipher) -> Cipher {
    match cipher {
        As2Cipher::TripleDes => Cipher::TripleDes,
        As2Cipher::Aes128Cbc => Cipher::Aes128Cbc,
        As2Cipher::Aes192Cbc => Cipher::Aes192Cbc,
        As2Cipher::Aes256Cbc => Cipher::Aes256Cbc,
        As2Cipher::Aes128Gcm => Cipher::Aes128Gcm,
        As2Cipher::Aes192Gcm => Cipher::Aes192Gcm,
        As2Cipher::Aes256Gcm => Cipher::Aes256Gcm,
    }
}

/// A partner sends by itself: there is nothing to look for. What is sent to it is a message that has to be kept before,
/// and judged by its receipt: that is done by those who have the store.
impl Mailbox for Peer {
    fn look(&self) -> Result<Look, Error> {
        Ok(Look::default())
    }

    fn fetch(&self, arrival: &Arrival) -> Result<Vec<u8>, Error> {
        Err(nothing_lies_here(arrival))
    }

    fn confirm(&self, _: &Arrival, _: &str) -> Result<(), Error> {
        Ok(())
    }

    fn set_aside(&self, arrival: &Arrival, _: &str, _: &str) -> Result<(), Error> {
        Err(nothing_lies_here(arrival))
    }

    fn deliver(&self, name: &str, _: &[u8]) -> Result<Option<Half>, Error> {
        Err(Error::Server(format!("{name}: an AS2 partner is sent messages, not files")))
    }

    fn quarantine(&self, name: &str, bytes: &[u8], note: &[u8]) -> Result<(), Error> {
        let name = safe_name(name);
        write_to(&self.quarantine, &name, bytes)?;
        Ok(write_to(&self.quarantine, &crate::disk::note_name(&name), note)?)
    }

    fn is_remote(&self) -> bool {
        true
    }
}

fn nothing_lies_here(arrival: &Arrival) -> Error {
    Error::Untakeable {
        name: arrival.name.clone(),
        reason: "an AS2 partner has no files to be fetched".to_owned(),
    }
}
