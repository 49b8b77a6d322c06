//! Reading BER (X.690), as far as CMS needs it: short tags, definite and indefinite lengths, strings in pieces.
//!
//! Nothing is copied; a value is a slice of the input. What is read twice, because a length is indefinite and its end
//! has to be looked for, is read at most once for each level, and the levels have a bound.

use super::Error;

pub(super) const INTEGER: u8 = 0x02;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(super) const SEQUENCE: u8 = 0x30;
pub(super) const SET: u8 = 0x31;
/// The bit of a tag that says: made of other values.
pub(super) const CONSTRUCTED: u8 = 0x20;

/// The tag `[number]`, made of other values.
pub(super) const fn context(number: u8) -> u8 {
    0x80 | CONSTRUCTED | number
}

/// What is read lies ten levels deep at most, and only indefinite lengths make one look into the rest.
const DEPTH: u8 = 16;

/// Values one after another.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    depth: u8,
}

/// One value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Value<'a> {
    /// Class, kind and number.
    pub tag: u8,
    /// What it holds.
    pub content: &'a [u8],
    /// With tag, length and, where the length is indefinite, its end.
    pub whole: &'a [u8],
    depth: u8,
}

fn malformed(words: &'static str) -> Error {
    Error::Malformed(words)
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, depth: DEPTH }
    }

    /// The next value, or nothing at the end.
    pub(super) fn next(&mut self) -> Result<Option<Value<'a>>, Error> {
        let whole = self.rest;
        let [tag, after @ ..] = whole else { return Ok(None) };
        if tag & 0x1f == 0x1f {
            return Err(malformed("a tag of more than one byte"));
        }
        let (length, after) = length(after)?;
        let (content, used) = if let Some(length) = length {
            let content = after.get(..length).ok_or(malformed("cut short"))?;
            (content, whole.len() - after.len() + length)
        } else {
            if tag & CONSTRUCTED == 0 {
                return Err(malformed("an indefinite length of a primitive value"));
            }
            let length = Self { rest: after, depth: self.depth }.inner()?.to_end_of_contents()?;
            (&after[..length], whole.len() - after.len() + length + 2)
        };
        self.rest = &whole[used..];
        Ok(Some(Value { tag: *tag, content, whole: &whole[..used], depth: self.depth }))
    }

    fn inner(self) -> Result<Self, Error> {
        let depth = self.depth.checked_sub(1).ok_or(malformed("too deep"))?;
        Ok(Self { depth, ..self })
    }

    /// How many bytes come before the end of the contents (two zeros).
    fn to_end_of_contents(mut self) -> Result<usize, Error> {
        let whole = self.rest.len();
        loop {
            if let [0, 0, ..] = self.rest {
                return Ok(whole - self.rest.len());
            }
            self.next()?.ok_or(malformed("cut short"))?;
        }
    }

    /// The next value, which must have this tag.
    pub(super) fn expect(&mut self, tag: u8) -> Result<Value<'a>, Error> {
        match self.next()? {
            Some(value) if value.tag == tag => Ok(value),
            _ => Err(malformed("another value than the standard has there")),
        }
    }

    /// The next value, which must be a string of bytes, in one or in pieces.
    pub(super) fn expect_octets(&mut self) -> Result<Value<'a>, Error> {
        let value = self.next()?.filter(|value| value.tag & !CONSTRUCTED == OCTET_STRING);
        value.ok_or(malformed("another value than a string of bytes"))
    }

    /// The next value, if it has this tag.
    pub(super) fn optional(&mut self, tag: u8) -> Result<Option<Value<'a>>, Error> {
        if self.rest.first() == Some(&tag) { self.next() } else { Ok(None) }
    }
}

/// The length and what follows it; nothing where it is indefinite.
fn length(bytes: &[u8]) -> Result<(Option<usize>, &[u8]), Error> {
    let [first, rest @ ..] = bytes else { return Err(malformed("cut short")) };
    match first {
        0..=0x7f => Ok((Some(usize::from(*first)), rest)),
        0x80 => Ok((None, rest)),
        0x81..=0x88 => {
            let (digits, rest) =
                rest.split_at_checked(usize::from(first & 0x7f)).ok_or(malformed("cut short"))?;
            let length = digits.iter().fold(0_u64, |sum, digit| sum << 8 | u64::from(*digit));
            let length = usize::try_from(length).map_err(|_| malformed("cut short"))?;
            Ok((Some(length), rest))
        }
        _ => Err(malformed("a length of more than eight bytes")),
    }
}

impl<'a> Value<'a> {
    /// The values that it is made of.
    pub(super) fn reader(&self) -> Result<Reader<'a>, Error> {
        if self.tag & CONSTRUCTED == 0 {
            return Err(malformed("a primitive value where others should be in it"));
        }
        Reader { rest: self.content, depth: self.depth }.inner()
    }

    /// Calls with the pieces of a string: one, or those of which it is made.
    pub(super) fn pieces(
        &self,
        piece: &mut dyn FnMut(&'a [u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        if self.tag & CONSTRUCTED == 0 {
            return piece(self.content);
        }
        let mut reader = self.reader()?;
        while let Some(value) = reader.next()? {
            if value.tag & !CONSTRUCTED != OCTET_STRING {
                return Err(malformed("another value than a piece of a string"));
            }
            value.pieces(piece)?;
        }
        Ok(())
    }

    /// A short string, its pieces put together.
    pub(super) fn octets(&self) -> Result<Vec<u8>, Error> {
        let mut octets = Vec::new();
        self.pieces(&mut |piece| {
            octets.extend_from_slice(piece);
            Ok(())
        })?;
        Ok(octets)
    }

    /// The same value with shortest definite lengths and another tag: for attributes, whose signature is over that
    /// form (RFC 5652, 5.4).
    pub(super) fn to_der(self, tag: u8) -> Result<Vec<u8>, Error> {
        if self.tag & CONSTRUCTED == 0 {
            return Ok(super::der::tlv(tag, &[self.content]));
        }
        if self.tag & !CONSTRUCTED == OCTET_STRING {
            return Ok(super::der::tlv(OCTET_STRING, &[&self.octets()?]));
        }
        let mut content = Vec::with_capacity(self.content.len());
        let mut reader = self.reader()?;
        while let Some(value) = reader.next()? {
            content.extend(value.to_der(value.tag)?);
        }
        Ok(super::der::tlv(tag, &[&content]))
    }
}
