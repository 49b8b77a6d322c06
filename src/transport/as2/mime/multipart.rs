//! Multiparts, cut where their delimiter lines say (RFC 2046, 5.1.1).

use memchr::memmem;

use super::{Entity, Error, Limits};

/// The parts of a multipart.
#[derive(Debug, Clone)]
pub struct Parts<'a> {
    /// The bytes of each, without the line end that belongs to the delimiter after it.
    pub parts: Vec<&'a [u8]>,
    /// Whether the closing delimiter is there. Without it the last part may be cut short.
    pub closed: bool,
}

impl<'a> Entity<'a> {
    /// Its parts.
    ///
    /// # Errors
    /// Where there is no boundary, no part, or too many of them.
    pub fn parts(&self, limits: &Limits) -> Result<Parts<'a>, Error> {
        let boundary = self.headers.parameterized("Content-Type").parameter("boundary");
        Parts::cut(self.body, boundary.as_deref().unwrap_or_default(), limits)
    }
}

impl<'a> Parts<'a> {
    /// Cuts a body at its delimiter lines.
    ///
    /// # Errors
    /// Where there is no boundary, no part, or too many of them.
    pub fn cut(body: &'a [u8], boundary: &str, limits: &Limits) -> Result<Self, Error> {
        // RFC 2046 has 70; gateways with longer ones have been met.
        if boundary.is_empty() || boundary.len() > 256 {
            return Err(Error::NoBoundary);
        }
        let delimiter = format!("--{}", boundary.trim_end());
        let mut parts = Vec::new();
        let mut begin: Option<usize> = None;
        for at in memmem::find_iter(body, delimiter.as_bytes()) {
            let Some(line) = delimiter_line(body, at, delimiter.len()) else { continue };
            if let Some(begin) = begin {
                if parts.len() == limits.parts {
                    return Err(Error::TooManyParts(limits.parts));
                }
                // Where two delimiters follow each other, their line ends are one.
                parts.push(&body[begin..line.before.max(begin)]);
            }
            if line.closes {
                return if begin.is_some() {
                    Ok(Self { parts, closed: true })
                } else {
                    Err(Error::NoParts)
                };
            }
            begin = Some(line.after);
        }
        let begin = begin.ok_or(Error::NoParts)?;
        if parts.len() == limits.parts {
            return Err(Error::TooManyParts(limits.parts));
        }
        parts.push(&body[begin..]);
        Ok(Self { parts, closed: false })
    }
}

/// A line that is a delimiter.
struct DelimiterLine {
    /// Where the part before it ends.
    before: usize,
    /// Where the part after it begins.
    after: usize,
    closes: bool,
}

/// The delimiter line whose dashes are at `at`, if nothing but blanks and closing dashes are in it.
fn delimiter_line(body: &[u8], at: usize, length: usize) -> Option<DelimiterLine> {
    let before = match &body[..at] {
        [] => 0,
        [.., b'\r', b'\n'] => at - 2,
        [.., b'\n'] => at - 1,
        _ => return None,
    };
    let rest = &body[at + length..];
    let end = memchr::memchr(b'\n', rest);
    let line = &rest[..end.unwrap_or(rest.len())];
    let (line, closes) = line.strip_prefix(b"--").map_or((line, false), |line| (line, true));
    let after = at + length + end.map_or(rest.len(), |end| end + 1);
    line.trim_ascii().is_empty().then_some(DelimiterLine { before, after, closes })
}
