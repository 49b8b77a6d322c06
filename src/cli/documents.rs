//! Canonical documents read from JSON, one at a time: a single one, several, JSON Lines, or an array.

use std::io::BufRead;

use serde::de::{Deserializer as _, Error as _, SeqAccess, Visitor};
use serde_json::Deserializer;

use super::Error;
use super::input::Source;
use crate::canonical::Document;

/// Whether the input holds JSON: its first character, blanks and a byte order mark aside, opens an object or array.
///
/// # Errors
/// An input that cannot be read.
pub fn is_json(input: &mut impl BufRead, source: &Source) -> Result<bool, Error> {
    Ok(matches!(first(input, source)?, Some(b'{' | b'[')))
}

/// The first character that is no blank; blanks before it are consumed as far as they are in the first buffer.
fn first(input: &mut impl BufRead, source: &Source) -> Result<Option<u8>, Error> {
    let bytes = input.fill_buf().map_err(Error::read(source.to_string()))?;
    let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes).trim_ascii_start();
    Ok(text.first().copied())
}

/// Hands on each document of the input. None of them is kept.
///
/// # Errors
/// An input that cannot be read, a document that is none, and what `take` returns.
pub fn read(
    input: &mut impl BufRead,
    source: &Source,
    mut take: impl FnMut(&Document) -> Result<(), Error>,
) -> Result<(), Error> {
    let is_array = first(input, source)? == Some(b'[');
    if input.fill_buf().map_err(Error::read(source.to_string()))?.starts_with(b"\xEF\xBB\xBF") {
        input.consume(3);
    }
    let wrong = |error: &serde_json::Error| Error::Document(format!("{source}: {error}"));
    if is_array {
        let mut failure = None;
        let mut json = Deserializer::from_reader(input);
        let read = json.deserialize_seq(Each { take: &mut take, failure: &mut failure });
        return match (failure, read.and_then(|()| json.end())) {
            (Some(error), _) => Err(error),
            (None, done) => done.map_err(|error| wrong(&error)),
        };
    }
    for document in Deserializer::from_reader(input).into_iter::<Document>() {
        take(&document.map_err(|error| wrong(&error))?)?;
    }
    Ok(())
}

/// The elements of an array, one by one.
struct Each<'a, F> {
    take: &'a mut F,
    failure: &'a mut Option<Error>,
}

impl<'de, F: FnMut(&Document) -> Result<(), Error>> Visitor<'de> for Each<'_, F> {
    type Value = ();

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("an array of documents")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
        while let Some(document) = sequence.next_element::<Document>()? {
            if let Err(error) = (self.take)(&document) {
                *self.failure = Some(error);
                return Err(A::Error::custom("stopped"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(text: &str) -> Result<Vec<String>, Error> {
        let mut numbers = Vec::new();
        read(&mut text.as_bytes(), &Source::Stdin, |document| {
            numbers.push(document.number().to_owned());
            Ok(())
        })?;
        Ok(numbers)
    }

    #[test]
    fn one_several_and_an_array_are_read_alike() {
        let (a, b) =
            (r#"{"document":"order","number":"A"}"#, r#"{"document":"order","number":"B"}"#);
        assert_eq!(numbers(a).unwrap(), ["A"]);
        assert_eq!(numbers(&format!("\u{FEFF}\n{a}\n{b}\n")).unwrap(), ["A", "B"]);
        assert_eq!(numbers(&format!(" [{a},\n {b}]\n")).unwrap(), ["A", "B"]);
        assert_eq!(numbers("[]").unwrap(), [""; 0]);
    }

    #[test]
    fn what_is_no_document_is_said_with_its_place() {
        let error = numbers("{\"document\":\"order\",\n\"numbr\":\"A\"}").unwrap_err().to_string();
        assert!(error.contains("(standard input)") && error.contains("line"), "{error}");
        assert!(numbers("[{\"document\":\"parcel\"}]").is_err());
        assert!(numbers("[] x").is_err());
    }
}
