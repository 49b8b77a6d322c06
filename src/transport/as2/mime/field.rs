//! Header fields: names, unfolded values, and values with parameters.

use super::{Error, Limits};

/// Header fields in their order. Names are compared without regard to case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers(Vec<(String, String)>);

impl Headers {
    /// Fields that came another way than as text: those of HTTP.
    ///
    /// # Errors
    /// Where there are too many.
    pub fn of<'v>(
        fields: impl IntoIterator<Item = (&'v str, &'v [u8])>,
        limits: &Limits,
    ) -> Result<Self, Error> {
        let mut headers = Self::default();
        let mut bytes = 0;
        for (name, value) in fields {
            bytes += name.len() + value.len();
            headers.add(name.as_bytes(), value, limits)?;
            if bytes > limits.header_bytes {
                return Err(Error::HeaderTooLong(limits.header_bytes));
            }
        }
        headers.check()?;
        Ok(headers)
    }

    /// Reads the fields up to the empty line: they, and how many bytes they and the empty line take.
    pub(super) fn read(bytes: &[u8], limits: &Limits) -> Result<(Self, usize), Error> {
        let mut headers = Self::default();
        let mut at = 0;
        let mut number = 0;
        // A field goes on where the next line begins with a blank.
        let mut field: Option<(&[u8], Vec<u8>)> = None;
        loop {
            let rest = &bytes[at..];
            let end = memchr::memchr(b'\n', rest);
            at += end.map_or(rest.len(), |end| end + 1);
            if at > limits.header_bytes {
                return Err(Error::HeaderTooLong(limits.header_bytes));
            }
            let line = &rest[..end.unwrap_or(rest.len())];
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            number += 1;
            if let (Some((_, value)), Some(b' ' | b'\t')) = (&mut field, line.first()) {
                value.push(b' ');
                value.extend_from_slice(line.trim_ascii());
            } else {
                if let Some((name, value)) = field.take() {
                    headers.add(name, &value, limits)?;
                }
                if line.is_empty() {
                    break;
                }
                let (name, value) = split(line).ok_or(Error::NotAField(number))?;
                field = Some((name, value.to_vec()));
            }
            if end.is_none() {
                // The last line, without an end: there is no body.
                if let Some((name, value)) = field.take() {
                    headers.add(name, &value, limits)?;
                }
                break;
            }
        }
        headers.check()?;
        Ok((headers, at))
    }

    fn add(&mut self, name: &[u8], value: &[u8], limits: &Limits) -> Result<(), Error> {
        if self.0.len() == limits.fields {
            return Err(Error::TooManyFields(limits.fields));
        }
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes.trim_ascii()).into_owned();
        self.0.push((text(name), text(value)));
        Ok(())
    }

    /// What decides how the rest is read must not be said in two ways: another reader may take the other.
    fn check(&self) -> Result<(), Error> {
        for name in ["Content-Type", "Content-Transfer-Encoding"] {
            let mut values = self.all(name);
            if let Some(first) = values.next()
                && values.any(|value| value != first)
            {
                return Err(Error::Contradiction(name));
            }
        }
        Ok(())
    }

    fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = move |(field, _): &&(String, String)| field.eq_ignore_ascii_case(name);
        self.0.iter().filter(named).map(|(_, value)| value.as_str())
    }

    /// The value of the first field of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// The value of a field with parameters; where there is no such field, an empty one.
    #[must_use]
    pub fn parameterized(&self, name: &str) -> Parameterized {
        Parameterized::read(self.get(name).unwrap_or_default())
    }

    /// Its fields in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// Name and value of a line.
fn split(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = memchr::memchr(b':', line)?;
    let name = line[..colon].trim_ascii_end();
    // RFC 5322, 2.2: printable, no blank.
    let is_name = !name.is_empty() && name.iter().all(u8::is_ascii_graphic);
    is_name.then(|| (name, line[colon + 1..].trim_ascii()))
}

/// A value with parameters: `multipart/signed; boundary="b"; micalg=sha-256`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parameterized {
    /// What stands before the first semicolon, in lower case.
    pub value: String,
    parameters: Vec<(String, String)>,
}

impl Parameterized {
    /// Reads it. What is not well formed is left out.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let mut pieces = pieces(text).into_iter();
        let value = pieces.next().unwrap_or_default().trim().to_ascii_lowercase();
        let mut parameters = Vec::new();
        for piece in pieces {
            if let Some((name, value)) = piece.split_once('=') {
                let name = name.trim().to_ascii_lowercase();
                parameters.push((name, unquoted(value.trim())));
            }
        }
        Self { value, parameters }
    }

    /// A parameter by its name in lower case. One that is in pieces, or percent-encoded, is put together (RFC 2231).
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<String> {
        let get = |name: &str| self.parameters.iter().find(|(n, _)| n == name).map(|(_, v)| v);
        if let Some(encoded) = get(&format!("{name}*")) {
            return Some(without_charset(encoded));
        }
        if let Some(plain) = get(name) {
            return Some(plain.clone());
        }
        let mut whole = String::new();
        // No more pieces than there are parameters.
        for number in 0..self.parameters.len() {
            if let Some(piece) = get(&format!("{name}*{number}")) {
                whole.push_str(piece);
            } else if let Some(piece) = get(&format!("{name}*{number}*")) {
                let piece =
                    if number == 0 { without_charset(piece) } else { percent_decoded(piece) };
                whole.push_str(&piece);
            } else {
                break;
            }
        }
        (!whole.is_empty()).then_some(whole)
    }
}

/// What stands between semicolons that are not in quotes; comments in brackets are left out.
fn pieces(text: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let (mut quoted, mut escaped, mut comments) = (false, false, 0_usize);
    for c in text.chars() {
        let in_comment = comments > 0;
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted || in_comment => escaped = true,
            '"' if !in_comment => quoted = !quoted,
            '(' if !quoted => comments += 1,
            ')' if !quoted && in_comment => {
                comments -= 1;
                continue;
            }
            ';' if !quoted && !in_comment => {
                pieces.push(String::new());
                continue;
            }
            _ => {}
        }
        if comments == 0 {
            pieces.last_mut().expect("begun with one").push(c);
        }
    }
    pieces
}

/// A quoted string without its quotes and backslashes; anything else as it stands.
pub(in crate::transport::as2) fn unquoted(text: &str) -> String {
    let Some(inner) = text.strip_prefix('"') else { return text.to_owned() };
    let mut out = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' => out.extend(chars.next()),
            c => out.push(c),
        }
    }
    out
}

/// In quotes, where it is no token (RFC 2045, 5.1).
pub(in crate::transport::as2) fn quoted(text: &str) -> String {
    let is_token = |c: char| c.is_ascii_graphic() && !r#"()<>@,;:\"/[]?="#.contains(c);
    if !text.is_empty() && text.chars().all(is_token) {
        return text.to_owned();
    }
    let mut out = String::from('"');
    for c in text.chars().filter(|c| !c.is_control()) {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    out
}

/// `utf-8'en'na%20me` without charset and language.
fn without_charset(text: &str) -> String {
    percent_decoded(text.splitn(3, '\'').last().unwrap_or(text))
}

fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = (bytes[at] == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        if let Some(byte) = code.and_then(|code| u8::from_str_radix(code, 16).ok()) {
            out.push(byte);
            at += 3;
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
