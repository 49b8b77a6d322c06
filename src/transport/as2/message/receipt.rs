//! What receipt a sender asks for (RFC 4130, 7.3; RFC 3798, 2).

use crate::transport::as2::cms::Digest;
use crate::transport::as2::mime::{Headers, Parameterized};

/// A receipt that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReceiptRequest {
    /// Who asks: an address that nobody uses.
    pub to: String,
    /// The digests that it wants the receipt signed with, the best first, as they are spelled. Without any, the receipt
    /// need not be signed.
    pub micalgs: Vec<String>,
    /// Whether it wants the receipt signed.
    pub signed: bool,
    /// Where the receipt is sent to later. Without it, it is the answer to the request.
    pub url: Option<String>,
}

impl ReceiptRequest {
    /// Asks for a receipt that is signed with a digest.
    #[must_use]
    pub fn signed(to: &str, digest: Digest) -> Self {
        let micalgs = vec![digest.name().to_owned()];
        Self { to: to.to_owned(), micalgs, signed: true, url: None }
    }

    /// Asks for one that need not be signed.
    #[must_use]
    pub fn unsigned(to: &str) -> Self {
        Self { to: to.to_owned(), micalgs: Vec::new(), signed: false, url: None }
    }

    /// The same, sent later to an address.
    #[must_use]
    pub fn later(self, url: &str) -> Self {
        Self { url: Some(url.to_owned()), ..self }
    }

    /// What the header of a message asks for.
    #[must_use]
    pub fn read(headers: &Headers) -> Option<Self> {
        let to = headers.get("Disposition-Notification-To")?.to_owned();
        let options = headers.get("Disposition-Notification-Options").unwrap_or_default();
        // Nothing but parameters.
        let options = Parameterized::read(&format!(";{options}"));
        // Each begins with its importance: `optional, sha-256, sha1`.
        let values = |name| {
            let value = options.parameter(name).unwrap_or_default();
            let words: Vec<String> = value.split(',').map(|word| word.trim().to_owned()).collect();
            let is_importance = |word: &String| {
                ["required", "optional"].iter().any(|known| word.eq_ignore_ascii_case(known))
            };
            let named = |word: &String| !word.is_empty() && !is_importance(word);
            words.into_iter().filter(named).collect::<Vec<_>>()
        };
        let signed = !values("signed-receipt-protocol").is_empty();
        let url = headers.get("Receipt-Delivery-Option").map(str::trim);
        let url = url.filter(|url| !url.is_empty()).map(str::to_owned);
        Some(Self { to, micalgs: values("signed-receipt-micalg"), signed, url })
    }

    /// The first digest that is known here, of those it names.
    #[must_use]
    pub fn digest(&self) -> Option<Digest> {
        self.micalgs.iter().find_map(|name| Digest::named(name))
    }

    /// How it spells a digest: some compare the name as text.
    #[must_use]
    pub fn spelling(&self, digest: Digest) -> &str {
        let spelled = self.micalgs.iter().find(|name| Digest::named(name) == Some(digest));
        spelled.map_or(digest.name(), String::as_str)
    }

    /// The header fields that ask for it.
    pub(super) fn headers(&self) -> Vec<(&'static str, String)> {
        let mut fields = vec![("Disposition-Notification-To", self.to.clone())];
        if self.signed {
            let options = format!(
                "signed-receipt-protocol=optional, pkcs7-signature; \
                 signed-receipt-micalg=optional, {}",
                self.micalgs.join(", ")
            );
            fields.push(("Disposition-Notification-Options", options));
        }
        if let Some(url) = &self.url {
            fields.push(("Receipt-Delivery-Option", url.clone()));
        }
        fields
    }
}
