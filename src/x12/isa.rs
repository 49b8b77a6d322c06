//! ISA: sixteen elements of fixed length, and the delimiters of everything that follows.

use nom::bytes::take_while_m_n;
use nom::{IResult, Parser};

use super::index::is_blank;
use super::{Delimiters, Fault, FaultKind, Interchange};

/// Bytes of a correct ISA with its terminator.
pub(super) const LENGTH: usize = 106;

/// An ISA that is longer than this, terminator included, is taken for garbage. Sixteen elements of ISA hold 86
/// bytes; what is met in the wild (names of 20 characters, stray line breaks) stays far below four times 106.
pub(super) const LENGTH_MAX: usize = 4 * LENGTH;

/// Lengths of ISA01 to ISA16.
const LENGTHS: [usize; 16] = [2, 10, 2, 10, 2, 15, 2, 15, 6, 4, 1, 5, 9, 1, 1, 1];

/// Reads the ISA that begins at `bytes[0]`. `None`: there is no ISA that could be understood here. The bytes must
/// reach past the ISA's end, or be all there is.
pub(super) fn read(bytes: &[u8], offset: u64) -> Option<Interchange> {
    let separator = *bytes.get(3)?;
    let elements = match by_lengths(bytes, separator) {
        Some(elements) => elements,
        None => Some(elements(bytes).ok()?.1).filter(|e| !has_swallowed(e))?,
    };
    let begin = 4 + elements.iter().take(15).map(|e| e.len() + 1).sum::<usize>();
    // Cut off before ISA16.
    let rest = bytes.get(begin..)?.trim_ascii_start();
    if rest.strip_prefix(b"ISA").is_some_and(|rest| rest.first() == Some(&separator)) {
        return None;
    }
    let fixed = elements.iter().zip(LENGTHS).take(15).all(|(e, length)| e.len() == length);
    let (component_length, end) = terminator(bytes, begin, separator)?;
    let component = bytes.get(begin..begin + component_length)?;
    let mut isa: [Vec<u8>; 16] =
        std::array::from_fn(|i| elements.get(i).map_or(Vec::new(), |e| e.to_vec()));
    isa[15] = component.to_vec();
    let delimiters = Delimiters {
        element: separator,
        component: component.first().copied().unwrap_or(0),
        repetition: repetition(&isa),
        segment: *bytes.get(end)?,
    };
    let mut faults = Vec::new();
    if !fixed || component_length != 1 {
        let fault = Fault::at(FaultKind::IsaLength, offset, end + 1).of(b"ISA", 0);
        faults.push(fault.found(end + 1, LENGTH));
    }
    let delimiters = settle(delimiters, &isa, offset, &mut faults);
    Some(Interchange { elements: isa, offset, length: end + 1, delimiters, faults })
}

/// ISA01 to ISA15 by their lengths, where ISA11 is the separator itself and would be taken for one.
fn by_lengths(bytes: &[u8], separator: u8) -> Option<Vec<&[u8]>> {
    if bytes.get(SEPARATORS[10] + 1) != Some(&separator) || !has_its_lengths(bytes, separator) {
        return None;
    }
    SEPARATORS.windows(2).map(|ends| bytes.get(ends[0] + 1..ends[1])).collect()
}

/// Whether elements are missing, so that what follows ISA was taken for them: no value of ISA09 to ISA15 ends so. Or
/// it was cut off, and the next interchange was: no value has `ISA` behind a blank or a mark.
fn has_swallowed(elements: &[&[u8]]) -> bool {
    let ends = |element: &[u8], tag: &[u8]| element.len() > tag.len() && element.ends_with(tag);
    let begins_anew = |element: &&[u8]| {
        element
            .strip_suffix(b"ISA")
            .and_then(<[u8]>::last)
            .is_some_and(|b| !b.is_ascii_alphanumeric())
    };
    elements.iter().any(begins_anew)
        || elements
            .iter()
            .skip(8)
            .any(|e| [&b"GS"[..], b"TA1", b"IEA"].iter().any(|tag| ends(e, tag)))
}

/// `ISA`, the separator, and ISA01 to ISA15, each ended by it.
fn elements(bytes: &[u8]) -> IResult<&[u8], Vec<&[u8]>> {
    let (rest, _) = nom::bytes::tag(&b"ISA"[..]).parse(bytes)?;
    let (mut rest, separator) = nom::bytes::take(1usize).parse(rest)?;
    let separator: &[u8] = separator;
    let mut found = Vec::with_capacity(15);
    for _ in 0..15 {
        let (after, element) =
            take_while_m_n(0, LENGTH_MAX, |b: u8| b != separator[0]).parse(rest)?;
        let (after, _) = nom::bytes::tag(separator).parse(after)?;
        if bytes.len() - after.len() > LENGTH_MAX {
            return Err(nom::Err::Error(nom::error::Error::new(
                after,
                nom::error::ErrorKind::TooLarge,
            )));
        }
        found.push(element);
        rest = after;
    }
    Ok((rest, found))
}

/// Finds the terminator after ISA16, which begins at `begin`: length of ISA16 and offset of the terminator. The
/// byte after one byte of ISA16, unless only another reading is followed by a segment of the envelope.
fn terminator(bytes: &[u8], begin: usize, separator: u8) -> Option<(usize, usize)> {
    let follows = |end: usize| {
        let rest = bytes.get(end + 1..).unwrap_or_default();
        let blanks = rest.iter().take_while(|&&b| is_blank(b) && b != separator).count();
        let rest = &rest[blanks..];
        [&b"GS"[..], b"TA1", b"IEA", b"ISB"]
            .iter()
            .any(|tag| rest.strip_prefix(*tag).is_some_and(|r| r.first() == Some(&separator)))
    };
    // ISA16 of one byte; empty; or of several (a character outside ASCII in UTF-8).
    let lengths = [1, 0, 2, 3, 4];
    let good =
        lengths.into_iter().find(|&length| begin + length < bytes.len() && follows(begin + length));
    let mut length = good.unwrap_or(1);
    // `~` and a line break: is the one ISA16 and the other the terminator, or is ISA16 missing? GS ends the same way.
    if length == 1 && is_blank(*bytes.get(begin + 1)?) && follows(begin) {
        let (component, end) = (bytes[begin], bytes[begin + 1]);
        let group =
            bytes[begin + 2..].iter().position(|&b| b == end).map(|at| &bytes[begin + 2..][..at]);
        let group = group
            .filter(|g| g.len() > 2)
            .or_else(|| bytes[begin + 2..].split(|&b| b == end).find(|g| g.len() > 2));
        if group.is_some_and(|g| g.last() == Some(&component)) {
            length = 0;
        }
    }
    (begin + length < bytes.len()).then_some((length, begin + length))
}

/// ISA11 where it can be a repetition separator: from version 00402 on, and neither a letter nor a digit nor blank.
fn repetition(isa: &[Vec<u8>; 16]) -> Option<u8> {
    let version = super::envelope::number(&isa[11])?;
    let byte = *isa[10].first()?;
    (version >= 402 && isa[10].len() == 1 && !byte.is_ascii_alphanumeric() && byte != b' ')
        .then_some(byte)
}

/// Judges the delimiters, and drops a repetition separator that is one of the others.
fn settle(
    mut d: Delimiters,
    isa: &[Vec<u8>; 16],
    offset: u64,
    faults: &mut Vec<Fault>,
) -> Delimiters {
    let clash = d.element == d.segment
        || d.element.is_ascii_alphanumeric()
        || d.segment.is_ascii_alphanumeric()
        || d.component == d.element
        || (d.component == d.segment && !isa[15].is_empty())
        || d.component.is_ascii_alphanumeric();
    if clash {
        let shown = format!(
            "element {:?}, component {:?}, terminator {:?}",
            char::from(d.element),
            char::from(d.component),
            char::from(d.segment)
        );
        faults.push(
            Fault::at(FaultKind::DelimiterClash, offset, LENGTH).of(b"ISA", 16).found(shown, ""),
        );
    }
    let taken = |byte: u8| byte == d.element || byte == d.component || byte == d.segment;
    if d.repetition.is_some_and(taken) {
        d.repetition = None;
    }
    let repeats = super::envelope::number(&isa[11]).is_some_and(|version| version >= 402);
    let kind = match () {
        () if isa[10] == [d.element] => Some(FaultKind::StandardsIsSeparator),
        () if repeats && d.repetition.is_none() => Some(FaultKind::RepetitionSeparator),
        () => None,
    };
    if let Some(kind) = kind {
        let found = super::decode(&isa[10]).into_owned();
        let before: usize = isa.iter().take(10).map(|element| element.len() + 1).sum();
        let at = offset + (4 + before) as u64;
        faults.push(Fault::at(kind, at, isa[10].len()).of(b"ISA", 11).found(found, ""));
    }
    d
}

/// Offsets of the sixteen separators of a correct ISA.
const SEPARATORS: [usize; 16] = [3, 6, 17, 20, 31, 34, 50, 53, 69, 76, 81, 83, 89, 99, 101, 103];

/// Whether an ISA begins at `bytes[0]`: either all sixteen separators stand where they must, whatever byte they
/// are, or fifteen of a byte that is no letter, digit or blank follow within bounds.
pub(super) fn looks_like(bytes: &[u8]) -> bool {
    let Some(&separator) = bytes.get(3) else { return false };
    if !bytes.starts_with(b"ISA") {
        return false;
    }
    if has_its_lengths(bytes, separator) {
        return true;
    }
    if separator.is_ascii_alphanumeric() || is_blank(separator) {
        return false;
    }
    let window = &bytes[4..bytes.len().min(LENGTH_MAX)];
    memchr::memchr_iter(separator, window).count() >= 15
}

/// Whether all sixteen separators stand where they must.
fn has_its_lengths(bytes: &[u8], separator: u8) -> bool {
    SEPARATORS.iter().all(|&at| bytes.get(at) == Some(&separator))
}

#[cfg(test)]
mod tests {
    use super::*;

    const USUAL: &[u8] = b"ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       *261121*0915*U*00401*000000007*0*P*>~GS*PO";

    #[test]
    fn reads_a_correct_isa() {
        let isa = read(USUAL, 0).expect("a correct ISA");
        assert_eq!((isa.length, isa.faults.len()), (106, 0));
        assert_eq!(isa.sender().to_string(), "ZZ:SENDER");
        assert_eq!(
            isa.delimiters,
            Delimiters { element: b'*', component: b'>', repetition: None, segment: b'~' }
        );
    }

    #[test]
    fn recovers_by_the_separators() {
        let isa = read(b"ISA*00**00**ZZ*ME*ZZ*YOU*261121*0915*^*00501*7*0*P*:\nGS*PO*", 40)
            .expect("a short ISA");
        assert_eq!(
            isa.delimiters,
            Delimiters { element: b'*', component: b':', repetition: Some(b'^'), segment: b'\n' }
        );
        assert_eq!(isa.faults.iter().map(|f| f.kind).collect::<Vec<_>>(), [FaultKind::IsaLength]);
    }

    #[test]
    fn sees_an_empty_isa16() {
        let isa = read(
            b"ISA*00**00**ZZ*ME*ZZ*YOU*261121*0915*U*00401*7*0*P*~\r\nGS*PO*A*B~\r\nST*850~\r\n",
            0,
        )
        .expect("an ISA without ISA16");
        assert_eq!(isa.delimiters.segment, b'~');
    }

    #[test]
    fn u_is_never_a_repetition_separator() {
        let text = String::from_utf8_lossy(USUAL).replace("00401", "00501");
        let isa = read(text.as_bytes(), 0).expect("a correct ISA");
        assert_eq!(isa.delimiters.repetition, None);
        assert_eq!(isa.faults[0].kind, FaultKind::RepetitionSeparator);
    }

    #[test]
    fn an_isa11_that_is_the_separator_shifts_nothing() {
        let text = String::from_utf8_lossy(USUAL).replace("*U*", "***");
        let isa = read(text.as_bytes(), 0).expect("a correct length");
        assert_eq!(
            (isa.length, isa.element(12), isa.element(13)),
            (106, "00401".into(), "000000007".into())
        );
        assert_eq!((isa.delimiters.component, isa.delimiters.segment), (b'>', b'~'));
        let kinds: Vec<_> = isa.faults.iter().map(|f| f.kind).collect();
        assert_eq!(kinds, [FaultKind::StandardsIsSeparator]);
    }

    #[test]
    fn an_isa_that_lacks_elements_is_none() {
        assert!(read(b"ISA*00*ZZ*ME*ZZ*YOU*261121*0915*U*00401*7*0*P*>~\nGS*PO*A*B*20261121*0915*7*X*004010~", 0).is_none());
    }

    #[test]
    fn prose_is_no_isa() {
        assert!(!looks_like(b"ISA is the first segment of an interchange, and so on, and so on, and so on, and so on"));
        assert!(looks_like(USUAL));
    }
}
