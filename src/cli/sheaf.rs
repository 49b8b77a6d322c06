//! Several canonical documents as one output: JSON Lines, a JSON array, or XML.

use std::io::Write;

use serde::Serialize;

use super::Error;
use super::translate::To;
use crate::map::Reading;

/// What XML begins with.
const XML_HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";
/// The root of XML, around one document or many.
pub const XML_ROOT: &str = "documents";

/// Documents as they go out, one after the other; none of them is kept.
#[derive(Debug)]
pub struct Sheaf {
    to: To,
    array: bool,
    pretty: bool,
    count: u64,
    xml: String,
    json: Vec<u8>,
}

impl Sheaf {
    /// An empty one.
    #[must_use]
    pub fn new(to: To, array: bool, pretty: bool) -> Self {
        Self { to, array, pretty, count: 0, xml: String::new(), json: Vec::new() }
    }

    /// Writes a document.
    ///
    /// # Errors
    /// Output that cannot be written; a document that XML cannot say.
    pub fn add<T: Serialize + ?Sized>(
        &mut self,
        kind: &str,
        document: &T,
        out: &mut dyn Write,
    ) -> Result<(), Error> {
        if self.to == To::Xml {
            self.count += 1;
            return self.add_xml(kind, document, out);
        }
        self.open(out)?;
        let written = if self.pretty {
            serde_json::to_writer_pretty(&mut *out, document)
        } else {
            serde_json::to_writer(&mut *out, document)
        };
        written.map_err(std::io::Error::from)?;
        self.close(out)
    }

    /// Writes a document that was read, without a detour where it goes out as it is.
    ///
    /// # Errors
    /// As [`Self::add`].
    pub fn add_reading(&mut self, reading: &Reading<'_>, out: &mut dyn Write) -> Result<(), Error> {
        if self.to == To::Xml || self.pretty {
            return self.add(reading.document(), reading, out);
        }
        self.open(out)?;
        self.json.clear();
        reading.write_json(&mut self.json);
        out.write_all(&self.json)?;
        self.close(out)
    }

    /// What stands before a document in JSON.
    fn open(&mut self, out: &mut dyn Write) -> Result<(), Error> {
        self.count += 1;
        if self.array {
            out.write_all(if self.count == 1 { b"[\n" } else { b",\n" })?;
        }
        Ok(())
    }

    /// What stands after it.
    fn close(&self, out: &mut dyn Write) -> Result<(), Error> {
        if self.array { Ok(()) } else { Ok(out.write_all(b"\n")?) }
    }

    fn add_xml<T: Serialize + ?Sized>(
        &mut self,
        kind: &str,
        document: &T,
        out: &mut dyn Write,
    ) -> Result<(), Error> {
        if self.count == 1 {
            writeln!(out, "{XML_HEAD}\n<{XML_ROOT}>")?;
        }
        self.xml.clear();
        let serializer = quick_xml::se::Serializer::with_root(&mut self.xml, Some(kind));
        let mut serializer = serializer.map_err(|e| Error::Document(e.to_string()))?;
        if self.pretty {
            serializer.indent(' ', 2);
        }
        document.serialize(serializer).map_err(|e| Error::Document(e.to_string()))?;
        writeln!(out, "{}", self.xml)?;
        Ok(())
    }

    /// Closes what is open.
    ///
    /// # Errors
    /// Output that cannot be written.
    pub fn finish(self, out: &mut dyn Write) -> Result<(), Error> {
        match (self.to, self.array, self.count) {
            (To::Xml, _, 0) => writeln!(out, "{XML_HEAD}\n<{XML_ROOT}/>")?,
            (To::Xml, ..) => writeln!(out, "</{XML_ROOT}>")?,
            (_, true, 0) => writeln!(out, "[]")?,
            (_, true, _) => writeln!(out, "\n]")?,
            _ => {}
        }
        Ok(())
    }
}
