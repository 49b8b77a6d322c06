//! A segment on a terminal: one line, whatever bytes it has, and carets under a part of it.

/// Most columns of segment text that are shown; a longer segment is cut around the carets. Leaves room for the
/// gutter in a window of 100 columns.
pub const COLUMNS_MAX: usize = 88;
/// Which part of the columns stays for what comes before the carets when a segment is cut.
const BEFORE: usize = 3;
/// Bytes of a segment that are looked at on either side of the carets: one shown column has at most four bytes.
const BYTES_AROUND: usize = COLUMNS_MAX * 4;

/// A line of text and where the carets go under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snippet {
    /// The text, free of control characters.
    pub text: String,
    /// Columns before the first caret.
    pub indent: usize,
    /// How many carets; at least one.
    pub carets: usize,
}

impl Snippet {
    /// Shows `raw` (a segment without its terminator) with carets under the bytes from `start` on, `length` of
    /// them, or one where that is 0. `terminator` is shown behind it. The line has `room` columns, [`COLUMNS_MAX`] at
    /// the most.
    ///
    /// Bytes are read as UTF-8 and, where they are not, one by one as Latin-1. Control characters are shown as
    /// their pictures (`␍`, `␇`), so that the line stays one line.
    #[must_use]
    pub fn new(
        raw: &[u8],
        terminator: Option<u8>,
        start: usize,
        length: usize,
        room: usize,
    ) -> Self {
        let room = room.min(COLUMNS_MAX);
        let start = start.min(raw.len());
        let end = start.saturating_add(length).min(raw.len());
        let from = boundary(raw, start.saturating_sub(BYTES_AROUND));
        let to = raw.len().min(start + BYTES_AROUND);
        let mut cells = cells(&raw[from..to], from);
        let mut cut_after = to < raw.len();
        if let (false, Some(byte)) = (cut_after, terminator) {
            cells.push(Cell { byte: raw.len(), shown: shown(char::from(byte)) });
        }

        let first = cells.iter().position(|cell| cell.byte >= start).unwrap_or(cells.len());
        let last = cells.iter().position(|cell| cell.byte >= end).unwrap_or(cells.len());
        let last = last.max(first + 1);

        let total: usize = cells.iter().map(Cell::columns).sum();
        let mut skip = 0;
        if total > room {
            let before: usize = cells[..first].iter().map(Cell::columns).sum();
            let mut surplus = before.saturating_sub(room / BEFORE).min(total - room);
            while surplus > 0 && skip < first {
                surplus = surplus.saturating_sub(cells[skip].columns());
                skip += 1;
            }
        }
        let cut_before = from > 0 || skip > 0;

        let mut text = String::new();
        let (mut columns, mut indent, mut carets) = (0, None, 0);
        if cut_before {
            text.push('…');
            columns += 1;
        }
        for (index, cell) in cells.iter().enumerate().skip(skip) {
            if columns + cell.columns() > room {
                cut_after = true;
                break;
            }
            if index == first {
                indent = Some(columns);
            }
            if (first..last).contains(&index) {
                carets += cell.columns();
            }
            text.push(cell.shown);
            columns += cell.columns();
        }
        if cut_after {
            text.push('…');
        }
        Self { text, indent: indent.unwrap_or(columns), carets: carets.max(1) }
    }
}

/// One character of the line, and the byte that it begins at.
struct Cell {
    byte: usize,
    shown: char,
}

impl Cell {
    fn columns(&self) -> usize {
        columns(self.shown)
    }
}

/// The nearest place at or after `at` where a UTF-8 character may begin.
fn boundary(raw: &[u8], at: usize) -> usize {
    (at..raw.len().min(at + 4)).find(|&i| at == 0 || raw[i] & 0xC0 != 0x80).unwrap_or(at)
}

fn cells(mut raw: &[u8], mut at: usize) -> Vec<Cell> {
    let mut cells = Vec::with_capacity(raw.len());
    while !raw.is_empty() {
        let (valid, bad) = match std::str::from_utf8(raw) {
            Ok(text) => (text, 0),
            Err(error) => {
                let valid = std::str::from_utf8(&raw[..error.valid_up_to()]).unwrap_or_default();
                (valid, error.error_len().unwrap_or(raw.len() - error.valid_up_to()))
            }
        };
        cells.extend(valid.char_indices().map(|(i, c)| Cell { byte: at + i, shown: shown(c) }));
        let latin = raw[valid.len()..valid.len() + bad].iter().enumerate();
        cells.extend(
            latin.map(|(i, &b)| Cell { byte: at + valid.len() + i, shown: shown(char::from(b)) }),
        );
        at += valid.len() + bad;
        raw = &raw[valid.len() + bad..];
    }
    cells
}

/// A character that does not move the cursor in odd ways: itself, or a picture of it.
#[must_use]
pub fn shown(c: char) -> char {
    match u32::from(c) {
        code @ 0..=0x1F => char::from_u32(0x2400 + code).unwrap_or('·'),
        0x7F => '␡',
        0x85 => '␤',
        // C1 controls, zero-width and direction marks, and line separators.
        0x80..=0x9F | 0x200B..=0x200F | 0x2028..=0x202E | 0x2060..=0x206F | 0xFEFF => '·',
        _ => c,
    }
}

/// Columns that a character takes on a terminal: two for East Asian wide ones and pictographs, none for those that
/// combine with the one before (Unicode Standard Annex 11, the ranges that matter).
fn columns(c: char) -> usize {
    match u32::from(c) {
        0x0300..=0x036F | 0x1AB0..=0x1AFF | 0x1DC0..=0x1DFF | 0x20D0..=0x20FF | 0xFE00..=0xFE0F => {
            0
        }
        0x1100..=0x115F
        | 0x2E80..=0x303E
        | 0x3041..=0xA4CF
        | 0xAC00..=0xD7A3
        | 0xF900..=0xFAFF
        | 0xFE30..=0xFE6F
        | 0xFF00..=0xFF60
        | 0xFFE0..=0xFFE6
        | 0x1F300..=0x1F64F
        | 0x1F900..=0x1F9FF
        | 0x20000..=0x3FFFD => 2,
        _ => 1,
    }
}

/// A delimiter in words that fit in a line: itself where it can be seen, else its name or its number.
#[must_use]
pub fn byte_word(byte: u8) -> String {
    match byte {
        b' ' => "blank".into(),
        b'\n' => "LF".into(),
        b'\r' => "CR".into(),
        b'\t' => "TAB".into(),
        0x21..=0x7E => char::from(byte).to_string(),
        _ => format!("0x{byte:02X}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(raw: &[u8], start: usize, length: usize) -> (String, String) {
        let snippet = Snippet::new(raw, Some(b'~'), start, length, COLUMNS_MAX);
        (snippet.text, format!("{}{}", " ".repeat(snippet.indent), "^".repeat(snippet.carets)))
    }

    #[test]
    fn carets_stand_under_the_element() {
        let (text, under) = lines(b"PO1*1*ten*EA", 6, 3);
        assert_eq!((text.as_str(), under.as_str()), ("PO1*1*ten*EA~", "      ^^^"));
    }

    #[test]
    fn nothing_there_still_has_a_caret() {
        let (text, under) = lines(b"BEG*00*SA**", 10, 0);
        assert_eq!((text.as_str(), under.as_str()), ("BEG*00*SA**~", "          ^"));
        assert_eq!(lines(b"BEG", 3, 0).1, "   ^");
        assert_eq!(lines(b"", 9, 9), ("~".into(), "^".into()));
    }

    #[test]
    fn control_characters_wide_ones_and_latin_1_keep_their_columns() {
        let (text, under) = lines("N1*ST*日本\u{7}x*9".as_bytes(), "N1*ST*日本\u{7}".len(), 1);
        assert_eq!(text, "N1*ST*日本␇x*9~");
        assert_eq!(under, "           ^");
        let (text, under) = lines(b"N1*ST*Caf\xE9 One*9", 11, 3);
        assert_eq!((text.as_str(), under.as_str()), ("N1*ST*Café One*9~", "           ^^^"));
    }

    #[test]
    fn a_long_segment_is_cut_around_the_carets() {
        let mut raw = b"MSG*".to_vec();
        raw.extend(std::iter::repeat_n(b'a', 5000));
        raw.extend(b"*BAD*");
        raw.extend(std::iter::repeat_n(b'b', 5000));
        let (text, under) = lines(&raw, 5005, 3);
        assert!(text.starts_with('…') && text.ends_with('…'));
        assert!(text.chars().count() <= COLUMNS_MAX + 1);
        assert_eq!(text.chars().skip(under.find('^').unwrap()).take(3).collect::<String>(), "BAD");
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_make_one_line(raw: Vec<u8>, start in 0usize..400, length in 0usize..400, room in 24usize..120) {
            let snippet = Snippet::new(&raw, Some(b'\n'), start, length, room);
            assert!(!snippet.text.chars().any(char::is_control));
            assert!(snippet.carets >= 1 && snippet.indent + snippet.carets <= room.min(COLUMNS_MAX) + 2);
        }
    }
}
