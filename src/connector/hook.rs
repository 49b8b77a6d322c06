//! `[webhook.NAME]` of `connector.toml`: what a system tells of itself, and how it signs that.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::access::Encoding;
use super::answer::one;
use super::definition::Reader;
use super::handling::{Reading, Scope};
use super::jq::{Program, Stop};

/// Seconds that the time of a call may be away from ours, where nothing is said.
const TOLERANCE_SECONDS: u32 = 300;

/// A webhook by which a system tells of documents.
#[derive(Debug)]
pub struct Hook {
    /// How documents are made of what it is called with.
    pub reading: Reading,
    partner: Option<Program>,
    /// How calls are signed.
    pub signature: Signature,
}

impl Hook {
    /// The name of the partner that a record is for; nothing where the connector does not say.
    ///
    /// # Errors
    /// What the program throws, or gives instead of a name.
    pub fn partner(&self, record: &Value, scope: &Scope) -> Result<Option<String>, Stop> {
        let Some(program) = &self.partner else { return Ok(None) };
        match one(program.run(record, &scope.variables())?)? {
            Some(Value::String(name)) => Ok(Some(name)),
            other => {
                let given = other.unwrap_or_default();
                Err(Stop::Error(format!("{given} is no name of a partner")))
            }
        }
    }
}

/// How calls are signed: with an HMAC-SHA256.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// The setting that has the key.
    pub secret: String,
    /// The header that the signature stands in; of several, with blanks between them, one has to be good.
    pub header: String,
    /// Before a signature, in the header: `sha256=`.
    pub prefix: String,
    /// What is signed: `{id}`, `{timestamp}` and `{body}` in a text.
    pub content: String,
    /// The header that has the id of the call.
    pub id_header: Option<String>,
    /// The header that says the time, in seconds since 1970.
    pub timestamp_header: Option<String>,
    /// How far that may be from ours, in seconds.
    pub tolerance_seconds: u32,
    /// How the signature is written.
    pub encoding: Encoding,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HookTable {
    kind: String,
    program: Option<String>,
    items: Option<String>,
    partner: Option<String>,
    orders: Option<String>,
    document: String,
    signature: SignatureTable,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum SignatureKind {
    Hmac,
    StandardWebhooks,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignatureTable {
    kind: SignatureKind,
    secret: String,
    header: Option<String>,
    prefix: Option<String>,
    content: Option<String>,
    timestamp_header: Option<String>,
    tolerance_seconds: Option<u32>,
    encoding: Option<Encoding>,
}

impl Reader<'_> {
    pub(super) fn hooks(&mut self) -> BTreeMap<String, Hook> {
        let tables: BTreeMap<String, HookTable> = self.sections.optional("webhook");
        let read = tables.into_iter().filter_map(|(name, table)| {
            let hook = self.hook(&name, table)?;
            Some((name, hook))
        });
        read.collect()
    }

    fn hook(&mut self, name: &str, table: HookTable) -> Option<Hook> {
        let HookTable { kind, program, items, partner, orders, document, signature } = table;
        let base = ["webhook", name];
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if name.is_empty() || !name.chars().all(is_plain) {
            let words = format!("webhook.{name}: its name has letters, digits, `-` and `_` only");
            self.wrong(&base, words);
        }
        self.is_kind(&kind, &["webhook", name, "kind"]);
        let file = self.program_file(&kind, program, &base);
        let items = items.unwrap_or_else(|| ".".to_owned());
        let reading = self.reading(&file, &base, (kind, &items, orders, &document));
        let partner = self.optional(&file, partner, &["webhook", name, "partner"]);
        let signature = self.signature(name, signature);
        Some(Hook { reading: reading?, partner: partner?, signature: signature? })
    }

    fn signature(&mut self, name: &str, table: SignatureTable) -> Option<Signature> {
        let mut wrong: Vec<(&str, String)> = Vec::new();
        if !self.settings.get(&table.secret).is_some_and(|setting| setting.secret) {
            let words = "names a secret setting, and there is none of this name: declare it, so that it is given as env:NAME or file:PATH";
            wrong.push(("secret", words.to_owned()));
        }
        if table.tolerance_seconds == Some(0) {
            wrong.push(("tolerance_seconds", "is at least 1".to_owned()));
        }
        let read = match table.kind {
            SignatureKind::StandardWebhooks => Some(table.standard(&mut wrong)),
            SignatureKind::Hmac => table.hmac(&mut wrong),
        };
        let is_good = wrong.is_empty();
        for (key, words) in wrong {
            let words = format!("webhook.{name}.signature: `{key}` {words}");
            self.wrong(&["webhook", name, "signature", key], words);
        }
        read.filter(|_| is_good)
    }
}

impl SignatureTable {
    /// As <https://www.standardwebhooks.com> says.
    fn standard(self, wrong: &mut Vec<(&str, String)>) -> Signature {
        let strays = [
            ("header", self.header.is_some()),
            ("prefix", self.prefix.is_some()),
            ("content", self.content.is_some()),
            ("timestamp_header", self.timestamp_header.is_some()),
            ("encoding", self.encoding.is_some()),
        ];
        let strays = strays.into_iter().filter(|(_, is_there)| *is_there);
        wrong.extend(strays.map(|(key, _)| (key, "belongs to `kind = \"hmac\"`".to_owned())));
        Signature {
            secret: self.secret,
            header: "webhook-signature".to_owned(),
            prefix: "v1,".to_owned(),
            content: "{id}.{timestamp}.{body}".to_owned(),
            id_header: Some("webhook-id".to_owned()),
            timestamp_header: Some("webhook-timestamp".to_owned()),
            tolerance_seconds: self.tolerance_seconds.unwrap_or(TOLERANCE_SECONDS),
            encoding: Encoding::Base64,
        }
    }

    fn hmac(self, wrong: &mut Vec<(&str, String)>) -> Option<Signature> {
        let usual = if self.timestamp_header.is_some() { "{timestamp}.{body}" } else { "{body}" };
        let content = self.content.unwrap_or_else(|| usual.to_owned());
        if !content.contains("{body}") {
            wrong.push(("content", "has to have {body}: else any body would do".to_owned()));
        }
        if content.contains("{timestamp}") != self.timestamp_header.is_some() {
            let words = "and {timestamp} in `content` belong together: a time that is not signed says nothing";
            wrong.push(("timestamp_header", words.to_owned()));
        }
        if self.tolerance_seconds.is_some() && self.timestamp_header.is_none() {
            wrong.push(("tolerance_seconds", "belongs to `timestamp_header`".to_owned()));
        }
        if self.header.is_none() {
            wrong.push(("header", "is missing: where the signature stands".to_owned()));
        }
        Some(Signature {
            secret: self.secret,
            header: self.header?.to_ascii_lowercase(),
            prefix: self.prefix.unwrap_or_default(),
            content,
            id_header: None,
            timestamp_header: self.timestamp_header.map(|name| name.to_ascii_lowercase()),
            tolerance_seconds: self.tolerance_seconds.unwrap_or(TOLERANCE_SECONDS),
            encoding: self.encoding.unwrap_or_default(),
        })
    }
}
