//! Writes the envelope around transaction sets that are rendered already.

use super::{GroupControlNumber, Identity, InterchangeControlNumber, Style};

/// What stands in ISA, besides numbers and times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InterchangeSpec {
    /// ISA01 and ISA02.
    pub authorization: (String, String),
    /// ISA03 and ISA04.
    pub security: (String, String),
    /// ISA05 and ISA06.
    pub sender: Identity,
    /// ISA07 and ISA08.
    pub receiver: Identity,
    /// ISA12, `00401`.
    pub version: String,
    /// ISA14: whether a TA1 is asked for.
    pub acknowledgement_requested: bool,
    /// ISA15: a test, not for production.
    pub test: bool,
    /// Delimiters, line breaks, encoding.
    pub style: Style,
}

/// What stands in GS, besides numbers and times.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupSpec {
    /// GS01, `PO`.
    pub functional_id: String,
    /// GS02.
    pub sender: String,
    /// GS03.
    pub receiver: String,
    /// GS07: `X`, or `T` for the older TDCC standards.
    pub agency: String,
    /// GS08, `004010`.
    pub version: String,
}

/// Date and time of an interchange or a group, as text: the core has no clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// CCYYMMDD; in a group YYMMDD too.
    pub date: String,
    /// HHMM; in a group HHMMSS and HHMMSSDD too.
    pub time: String,
}

impl Stamp {
    /// From parts of a calendar.
    #[must_use]
    pub fn new(year: i16, month: i8, day: i8, hour: i8, minute: i8) -> Self {
        Self { date: format!("{year:04}{month:02}{day:02}"), time: format!("{hour:02}{minute:02}") }
    }
}

/// A field of the envelope that cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{element} cannot be written: {value:?} {reason}")]
pub struct EnvelopeError {
    /// `ISA06`, `GS02`, ….
    pub element: &'static str,
    /// The value.
    pub value: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// An interchange as it grows.
///
/// ```
/// use crossdock::x12::*;
/// let spec = InterchangeSpec {
///     authorization: ("00".into(), String::new()),
///     security: ("00".into(), String::new()),
///     sender: Identity { qualifier: "ZZ".into(), id: "US".into() },
///     receiver: Identity { qualifier: "ZZ".into(), id: "THEM".into() },
///     version: "00401".into(),
///     acknowledgement_requested: false,
///     test: true,
///     style: Style::default(),
/// };
/// let group = GroupSpec { functional_id: "PO".into(), sender: "US".into(), receiver: "THEM".into(), agency: "X".into(), version: "004010".into() };
/// let stamp = Stamp::new(2026, 11, 21, 9, 15);
/// let mut interchange = InterchangeWriter::begin(&spec, InterchangeControlNumber(7), &stamp)?;
/// interchange.group(&group, GroupControlNumber(7), &stamp, [&b"ST*850*0001~SE*2*0001~"[..]])?;
/// let bytes = interchange.finish();
/// let mut reader = Reader::new(&bytes[..]);
/// while let Some(event) = reader.next().expect("bytes never fail") {
///     if let Event::InterchangeEnd(end) = event {
///         assert_eq!((end.groups, end.faults.len()), (1, 0));
///     }
/// }
/// # Ok::<(), EnvelopeError>(())
/// ```
#[derive(Debug)]
pub struct InterchangeWriter<'a> {
    spec: &'a InterchangeSpec,
    number: InterchangeControlNumber,
    out: Vec<u8>,
    groups: u32,
}

impl<'a> InterchangeWriter<'a> {
    /// Writes ISA.
    ///
    /// # Errors
    /// A field that does not fit into its element of ISA, or holds a delimiter.
    pub fn begin(
        spec: &'a InterchangeSpec,
        number: InterchangeControlNumber,
        stamp: &Stamp,
    ) -> Result<Self, EnvelopeError> {
        let d = spec.style.delimiters;
        let standards = d.repetition.map_or_else(|| "U".to_owned(), |r| char::from(r).to_string());
        let number_text = format!("{:09}", number.0);
        let fields: [(&'static str, &str, usize); 15] = [
            ("ISA01", &spec.authorization.0, 2),
            ("ISA02", &spec.authorization.1, 10),
            ("ISA03", &spec.security.0, 2),
            ("ISA04", &spec.security.1, 10),
            ("ISA05", &spec.sender.qualifier, 2),
            ("ISA06", &spec.sender.id, 15),
            ("ISA07", &spec.receiver.qualifier, 2),
            ("ISA08", &spec.receiver.id, 15),
            ("ISA09", stamp.date.get(2..).unwrap_or_default(), 6),
            ("ISA10", &stamp.time, 4),
            ("ISA11", &standards, 1),
            ("ISA12", &spec.version, 5),
            ("ISA13", &number_text, 9),
            ("ISA14", if spec.acknowledgement_requested { "1" } else { "0" }, 1),
            ("ISA15", if spec.test { "T" } else { "P" }, 1),
        ];
        let mut out = b"ISA".to_vec();
        for (element, value, length) in fields {
            // ISA11 is a delimiter itself, where it is one.
            let clash = element != "ISA11" && value.bytes().any(|b| d.contains(b));
            let reason = match () {
                () if value.len() > length => Some("is too long"),
                () if !value.bytes().all(|b| matches!(b, b' '..=b'~') || element == "ISA11") => {
                    Some("has characters outside ASCII")
                }
                () if clash => Some("holds a delimiter"),
                () => None,
            };
            if let Some(reason) = reason {
                return Err(EnvelopeError { element, value: value.to_owned(), reason });
            }
            out.push(d.element);
            if element == "ISA11" {
                out.push(d.repetition.unwrap_or(b'U'));
            } else {
                out.extend_from_slice(value.as_bytes());
                out.resize(out.len() + length - value.len(), b' ');
            }
        }
        out.extend([d.element, d.component]);
        let mut writer = Self { spec, number, out, groups: 0 };
        writer.end_segment();
        Ok(writer)
    }

    /// Whether GS02 or GS03 can be written with this code: 2 to 15 bytes, none of them a delimiter.
    #[must_use]
    pub fn fits_group_code(&self, code: &str) -> bool {
        let d = self.spec.style.delimiters;
        (2..=15).contains(&code.len()) && !code.bytes().any(|b| d.contains(b))
    }

    /// Adds a segment that is rendered already, terminator included: a TA1.
    pub fn rendered(&mut self, segment: &[u8]) {
        self.out.extend_from_slice(segment);
    }

    /// Adds a group of sets, each rendered from ST to SE in the same style.
    ///
    /// # Errors
    /// A field that does not fit into its element of GS, or holds a delimiter.
    pub fn group<'s>(
        &mut self,
        group: &GroupSpec,
        number: GroupControlNumber,
        stamp: &Stamp,
        sets: impl IntoIterator<Item = &'s [u8]>,
    ) -> Result<(), EnvelopeError> {
        let number = number.0.to_string();
        let fields: [(&'static str, &str, usize, usize); 8] = [
            ("GS01", &group.functional_id, 2, 2),
            ("GS02", &group.sender, 2, 15),
            ("GS03", &group.receiver, 2, 15),
            ("GS04", &stamp.date, 6, 8),
            ("GS05", &stamp.time, 4, 8),
            ("GS06", &number, 1, 9),
            ("GS07", &group.agency, 1, 2),
            ("GS08", &group.version, 1, 12),
        ];
        for (element, value, min, max) in fields {
            let reason = match () {
                () if value.len() < min => Some("is too short"),
                () if value.len() > max => Some("is too long"),
                () if value.bytes().any(|b| self.spec.style.delimiters.contains(b)) => {
                    Some("holds a delimiter")
                }
                () => None,
            };
            if let Some(reason) = reason {
                return Err(EnvelopeError { element, value: value.to_owned(), reason });
            }
        }
        self.segment("GS", fields.iter().map(|f| f.1));
        let mut count = 0u32;
        for set in sets {
            self.out.extend_from_slice(set);
            count = count.saturating_add(1);
        }
        self.segment("GE", [count.to_string().as_str(), &number]);
        self.groups = self.groups.saturating_add(1);
        Ok(())
    }

    /// Writes IEA and gives the bytes.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        let (groups, number) = (self.groups.to_string(), format!("{:09}", self.number.0));
        self.segment("IEA", [groups.as_str(), &number]);
        self.out
    }

    fn segment<'s>(&mut self, tag: &str, elements: impl IntoIterator<Item = &'s str>) {
        self.out.extend_from_slice(tag.as_bytes());
        for element in elements {
            self.out.push(self.spec.style.delimiters.element);
            self.out.extend_from_slice(element.as_bytes());
        }
        self.end_segment();
    }

    fn end_segment(&mut self) {
        self.out.push(self.spec.style.delimiters.segment);
        self.out.extend_from_slice(&self.spec.style.suffix);
    }
}
