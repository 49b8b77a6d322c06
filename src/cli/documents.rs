//! Canonical documents read one at a time: from JSON (a single one, several, JSON Lines, or an array) or from XML.

use std::io::BufRead;

use quick_xml::events::Event;
use serde::de::{Deserializer as _, Error as _, SeqAccess, Visitor};
use serde_json::Deserializer;
use serde_json::value::RawValue;

use super::Error;
use super::input::Source;
use super::sheaf::XML_ROOT;
use crate::canonical::{Document, read_xml};

/// In what form documents are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// JSON.
    Json,
    /// XML.
    Xml,
}

/// The form of the documents that the input holds; `None` where it holds none. Blanks and a byte order mark aside,
/// JSON opens with an object or array, XML with a declaration or an element named like a document.
///
/// # Errors
/// An input that cannot be read.
pub fn form(input: &mut impl BufRead, source: &Source) -> Result<Option<Form>, Error> {
    let bytes = input.fill_buf().map_err(Error::read(source.to_string()))?;
    let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes).trim_ascii_start();
    Ok(match text.first() {
        Some(b'{' | b'[') => Some(Form::Json),
        Some(b'<') if text.starts_with(b"<?xml") || opens_document(text) => Some(Form::Xml),
        _ => None,
    })
}

/// Whether the text begins with an element named like a document or the list of them.
fn opens_document(text: &[u8]) -> bool {
    Document::KINDS.into_iter().chain([XML_ROOT]).any(|name| {
        let rest = text.get(1..).and_then(|text| text.strip_prefix(name.as_bytes()));
        rest.is_some_and(|rest| !rest.first().is_some_and(u8::is_ascii_alphanumeric))
    })
}

/// Hands on each document of the input. None of them is kept.
///
/// # Errors
/// An input that cannot be read, a document that is none, and what `take` returns.
pub fn read(
    input: &mut impl BufRead,
    source: &Source,
    form: Form,
    mut take: impl FnMut(&Document) -> Result<(), Error>,
) -> Result<(), Error> {
    if form == Form::Xml {
        return read_each_xml(input, source, take);
    }
    let bytes = input.fill_buf().map_err(Error::read(source.to_string()))?;
    let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes).trim_ascii_start();
    let is_array = text.first() == Some(&b'[');
    if input.fill_buf().map_err(Error::read(source.to_string()))?.starts_with(b"\xEF\xBB\xBF") {
        input.consume(3);
    }
    let wrong = |error: &dyn std::fmt::Display| Error::Document(format!("{source}: {error}"));
    let mut number = 0u64;
    let mut take = |json: &RawValue| {
        number += 1;
        let document = Document::from_json(json.get().as_bytes());
        take(&document.map_err(|error| wrong(&format!("document {number}: {error}")))?)
    };
    if is_array {
        let mut failure = None;
        let mut json = Deserializer::from_reader(input);
        let read = json.deserialize_seq(Each { take: &mut take, failure: &mut failure });
        return match (failure, read.and_then(|()| json.end())) {
            (Some(error), _) => Err(error),
            (None, done) => done.map_err(|error| wrong(&error)),
        };
    }
    for document in Deserializer::from_reader(input).into_iter::<Box<RawValue>>() {
        take(&document.map_err(|error| wrong(&error))?)?;
    }
    Ok(())
}

/// The documents of XML: each element below [`XML_ROOT`], or the outermost one.
fn read_each_xml(
    input: &mut impl BufRead,
    source: &Source,
    mut take: impl FnMut(&Document) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut reader = quick_xml::Reader::from_reader(input);
    let mut buffer = Vec::new();
    let mut document = quick_xml::Writer::new(Vec::new());
    let mut depth = 0usize;
    let mut number = 1u64;
    let wrong = |number: u64, error: &dyn std::fmt::Display| {
        Error::Document(format!("{source}: document {number}: {error}"))
    };
    loop {
        buffer.clear();
        let event = reader.read_event_into(&mut buffer).map_err(|e| wrong(number, &e))?;
        let done = match &event {
            Event::Start(start) | Event::Empty(start)
                if depth == 0 && start.name().as_ref() == XML_ROOT =>
            {
                continue;
            }
            Event::Start(_) => {
                depth += 1;
                false
            }
            Event::Empty(_) => depth == 0,
            // The end of the root.
            Event::End(_) if depth == 0 => continue,
            Event::End(_) => {
                depth -= 1;
                depth == 0
            }
            Event::Eof if depth > 0 => {
                return Err(wrong(number, &"the XML ends in the middle of it"));
            }
            Event::Eof => return Ok(()),
            // Declaration, comments and blanks between documents.
            _ if depth == 0 => continue,
            _ => false,
        };
        document.write_event(event.borrow())?;
        if done {
            let text = String::from_utf8_lossy(document.get_mut());
            take(&read_xml(&text).map_err(|e| wrong(number, &e))?)?;
            document.get_mut().clear();
            number += 1;
        }
    }
}

/// The elements of an array, one by one.
struct Each<'a, F> {
    take: &'a mut F,
    failure: &'a mut Option<Error>,
}

impl<'de, F: FnMut(&RawValue) -> Result<(), Error>> Visitor<'de> for Each<'_, F> {
    type Value = ();

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("an array of documents")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
        while let Some(document) = sequence.next_element::<Box<RawValue>>()? {
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
        let input = &mut text.as_bytes();
        let form = form(input, &Source::Stdin)?.ok_or(Error::Inputs(0))?;
        read(input, &Source::Stdin, form, |document| {
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
    fn one_and_several_in_xml_are_read_alike() {
        let (a, b) =
            ("<order><number>A&amp;B</number></order>", "<order>\n<number>C</number></order>");
        let head = "\u{FEFF}<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
        assert_eq!(numbers(a).unwrap(), ["A&B"]);
        let all = format!("{head}<documents>\n{a}\n<!-- one more -->\n{b}</documents>\n");
        assert_eq!(numbers(&all).unwrap(), ["A&B", "C"]);
        assert_eq!(numbers("<documents/>").unwrap(), [""; 0]);
        let error = numbers(&format!("<documents>{a}<parcel/></documents>")).unwrap_err();
        assert!(error.to_string().contains("document 2") && error.to_string().contains("parcel"));
        assert!(numbers(&format!("<documents>{a}<order><number>C")).is_err());
        assert!(form(&mut &b"<html>503</html>"[..], &Source::Stdin).unwrap().is_none());
    }

    #[test]
    fn what_is_no_document_is_said_with_its_place() {
        let error = numbers("{\"document\":\"order\",\n\"numbr\":\"A\"}").unwrap_err().to_string();
        assert!(error.contains("(standard input): document 1: numbr: "), "{error}");
        assert!(numbers("[{\"document\":\"parcel\"}]").is_err());
        let error = numbers("{\"document\":\"order\",\n\"number\":}").unwrap_err().to_string();
        assert!(error.contains("line 2"), "{error}");
        assert!(numbers("[] x").is_err());
    }
}
