//! Values: how an element's bytes become a canonical text, and back.
//!
//! Reading tells whether writing would give the same bytes again; where not, the caller keeps them as sent.

use super::plan::Table;
use super::stamp::WIDE;

/// How an element is converted. `min` is the element's least length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Text {
        min: u16,
    },
    /// A text with the blanks at its end.
    Whole {
        min: u16,
    },
    Code {
        table: u16,
        min: u16,
    },
    /// A decimal with an explicit point.
    Decimal {
        min: u16,
    },
    /// A decimal with so many implied places.
    Implied {
        places: u8,
        min: u16,
    },
    /// A whole number (as JSON number).
    Integer {
        min: u16,
    },
    /// A date of eight digits, or of six.
    Date {
        six: bool,
    },
    Time,
}

/// A value as it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decoded {
    /// Nothing but blanks.
    Blank,
    /// The first so many bytes of the element, as they are.
    Same(usize),
    /// Written to the arena.
    New,
    /// The first so many of these bytes, which are ASCII.
    Short([u8; WIDE], usize),
    /// A word of the table.
    Word(u32),
    Integer(i64),
    /// No such value.
    Bad(&'static str),
}

/// Digits that a decimal may have, so that it is exact in 96 bits.
const DIGITS_MAX: usize = 28;

/// Reads an element that is not empty. A text that is not the same is appended to `arena`. The second value says
/// whether writing would give these bytes again.
#[inline]
pub(super) fn decode(
    form: Form,
    bytes: &[u8],
    tables: &[Table],
    arena: &mut String,
) -> (Decoded, bool) {
    match form {
        Form::Text { min } => {
            let length = trimmed(bytes);
            if length == 0 {
                return (Decoded::Blank, false);
            }
            (Decoded::Same(length), bytes.len() == length.max(usize::from(min)))
        }
        Form::Whole { min } => match trimmed(bytes) {
            0 => (Decoded::Blank, false),
            _ => (Decoded::Same(bytes.len()), bytes.len() >= usize::from(min)),
        },
        Form::Code { table, min } => {
            let length = trimmed(bytes);
            if length == 0 {
                return (Decoded::Blank, false);
            }
            let faithful = bytes.len() == length.max(usize::from(min));
            let table = &tables[usize::from(table)];
            if let Some(word) = table.word(&bytes[..length]) {
                return (Decoded::Word(word), faithful);
            }
            // A code that looks like one of our words would be written as another code.
            let taken = table.code(&bytes[..length]).is_some();
            (Decoded::Same(length), faithful && !taken)
        }
        Form::Decimal { min } => decimal(bytes, min, arena),
        Form::Implied { places, min } => implied(bytes, places, min, arena),
        Form::Integer { min } => integer(bytes, min),
        Form::Date { six } => date(bytes, six),
        Form::Time => time(bytes),
    }
}

/// Length without trailing blanks.
#[inline]
fn trimmed(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|&b| b != b' ').map_or(0, |i| i + 1)
}

/// The parts of a decimal: sign, digits before and after the point, exponent.
struct Number<'a> {
    negative: bool,
    whole: &'a [u8],
    fraction: &'a [u8],
    point: bool,
    exponent: i32,
    plain: bool,
}

fn parts(bytes: &[u8]) -> Option<Number<'_>> {
    let (negative, plus, rest) = match bytes {
        [b'-', rest @ ..] => (true, false, rest),
        [b'+', rest @ ..] => (false, true, rest),
        _ => (false, false, bytes),
    };
    let (mantissa, exponent) = match rest.iter().position(|b| matches!(b, b'E' | b'e')) {
        None => (rest, None),
        Some(i) => {
            (&rest[..i], Some(std::str::from_utf8(&rest[i + 1..]).ok()?.parse::<i8>().ok()?))
        }
    };
    let (whole, fraction, point) = match mantissa.iter().position(|&b| b == b'.') {
        None => (mantissa, &mantissa[..0], false),
        Some(i) => (&mantissa[..i], &mantissa[i + 1..], true),
    };
    let digits =
        whole.iter().chain(fraction).all(u8::is_ascii_digit) && whole.len() + fraction.len() > 0;
    let plain = !plus && exponent.is_none();
    digits.then(|| Number {
        negative,
        whole,
        fraction,
        point,
        exponent: exponent.map_or(0, i32::from),
        plain,
    })
}

/// The usual number: digits that begin with no zero, perhaps a point with digits after it.
#[inline]
fn is_usual(bytes: &[u8]) -> bool {
    if !matches!(bytes, [b'1'..=b'9', ..]) || bytes.len() > DIGITS_MAX {
        return false;
    }
    let digits = |bytes: &[u8]| bytes.iter().position(|b| !b.is_ascii_digit());
    match digits(bytes) {
        None => true,
        Some(point) => {
            let fraction = &bytes[point + 1..];
            bytes[point] == b'.' && !fraction.is_empty() && digits(fraction).is_none()
        }
    }
}

const NO_NUMBER: &str = "is no number";
const TOO_PRECISE: &str = "has more digits than can be kept exactly (28)";

fn decimal(bytes: &[u8], min: u16, arena: &mut String) -> (Decoded, bool) {
    if min <= 1 && is_usual(bytes) {
        return (Decoded::Same(bytes.len()), true);
    }
    let Some(n) = parts(bytes) else { return (Decoded::Bad(NO_NUMBER), false) };
    let start = arena.len();
    if let Err(why) = canonical(&n, arena) {
        arena.truncate(start);
        return (Decoded::Bad(why), false);
    }
    let mut again = Vec::with_capacity(bytes.len() + 2);
    let faithful = n.plain
        && encode_decimal(&arena.as_bytes()[start..], min, &mut again).is_ok()
        && again == bytes;
    (Decoded::New, faithful)
}

/// Appends the canonical text: no redundant zeros in front, at least one digit before the point, scale kept.
fn canonical(n: &Number<'_>, arena: &mut String) -> Result<(), &'static str> {
    let mut digits: Vec<u8> = n.whole.iter().chain(n.fraction).copied().collect();
    // Places after the point, once the exponent has moved it.
    let mut scale = i32::try_from(n.fraction.len()).map_err(|_| TOO_PRECISE)? - n.exponent;
    if digits.len() > 4 * DIGITS_MAX || scale.unsigned_abs() > 4 * 28 {
        return Err(TOO_PRECISE);
    }
    while scale < 0 {
        digits.push(b'0');
        scale += 1;
    }
    let scale = scale.unsigned_abs() as usize;
    while digits.len() <= scale {
        digits.insert(0, b'0');
    }
    let leading = digits[..digits.len() - scale - 1].iter().take_while(|&&b| b == b'0').count();
    let digits = &digits[leading..];
    let significant = digits.iter().skip_while(|&&b| b == b'0').count();
    if significant > DIGITS_MAX || scale > DIGITS_MAX {
        return Err(TOO_PRECISE);
    }
    if n.negative && significant > 0 {
        arena.push('-');
    }
    for (i, &b) in digits.iter().enumerate() {
        if i > 0 && i == digits.len() - scale {
            arena.push('.');
        }
        arena.push(char::from(b));
    }
    Ok(())
}

fn implied(bytes: &[u8], places: u8, min: u16, arena: &mut String) -> (Decoded, bool) {
    let Some(n) = parts(bytes).filter(|n| !n.point && n.plain) else {
        return (Decoded::Bad("is no number without a point"), false);
    };
    let start = arena.len();
    let places = usize::from(places);
    let cut = n.whole.len().saturating_sub(places);
    let mut fraction = [b'0'; 16];
    let have = n.whole.len() - cut;
    let Some(target) = fraction.get_mut(places.saturating_sub(have)..places) else {
        return (Decoded::Bad(NO_NUMBER), false);
    };
    target.copy_from_slice(&n.whole[cut..]);
    let shifted = Number { whole: &n.whole[..cut], fraction: &fraction[..places], ..n };
    if let Err(why) = canonical(&shifted, arena) {
        arena.truncate(start);
        return (Decoded::Bad(why), false);
    }
    let mut again = Vec::with_capacity(bytes.len() + 2);
    let text = arena[start..].as_bytes();
    let faithful = encode_implied(text, places, min, &mut again).is_ok() && again == bytes;
    (Decoded::New, faithful)
}

fn integer(bytes: &[u8], min: u16) -> (Decoded, bool) {
    let digits = bytes.strip_prefix(b"-").unwrap_or(bytes);
    let parsed = std::str::from_utf8(bytes).ok().filter(|_| digits.iter().all(u8::is_ascii_digit));
    match parsed.and_then(|t| t.parse::<i64>().ok()) {
        Some(n) => {
            let least = n.unsigned_abs().checked_ilog10().unwrap_or(0) as usize + 1;
            let zero = n == 0 && digits.len() < bytes.len();
            (Decoded::Integer(n), digits.len() == least.max(usize::from(min)) && !zero)
        }
        None => (Decoded::Bad("is no whole number"), false),
    }
}

fn date(bytes: &[u8], six: bool) -> (Decoded, bool) {
    const NO_DATE: &str = "is no date of the calendar";
    let full: [u8; 8] = match *bytes {
        [a, b, c, d, e, f, g, h] => [a, b, c, d, e, f, g, h],
        // Two digits of a year: 1950 to 2049.
        [a, b, c, d, e, f] if a < b'5' => [b'2', b'0', a, b, c, d, e, f],
        [a, b, c, d, e, f] => [b'1', b'9', a, b, c, d, e, f],
        _ => return (Decoded::Bad(NO_DATE), false),
    };
    if !full.iter().all(u8::is_ascii_digit) || !is_day(&full) {
        return (Decoded::Bad(NO_DATE), false);
    }
    let [a, b, c, d, e, f, g, h] = full;
    let mut text = [0; WIDE];
    text[..10].copy_from_slice(&[a, b, c, d, b'-', e, f, b'-', g, h]);
    (Decoded::Short(text, 10), six == (bytes.len() == 6))
}

pub(super) fn is_day(digits: &[u8; 8]) -> bool {
    let number = |range: std::ops::Range<usize>| {
        digits[range].iter().fold(0_u32, |n, &b| n * 10 + u32::from(b - b'0'))
    };
    let (year, month, day) = (number(0..4), number(4..6), number(6..8));
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return false,
    };
    (1..=days).contains(&day)
}

fn time(bytes: &[u8]) -> (Decoded, bool) {
    const NO_TIME: &str = "is no time of day";
    if !matches!(bytes.len(), 4 | 6 | 7 | 8) || !bytes.iter().all(u8::is_ascii_digit) {
        return (Decoded::Bad(NO_TIME), false);
    }
    let two = |at: usize| (bytes[at] - b'0') * 10 + (bytes[at + 1] - b'0');
    if two(0) > 23 || two(2) > 59 || (bytes.len() > 4 && two(4) > 59) {
        return (Decoded::Bad(NO_TIME), false);
    }
    let (mut text, mut length) = ([0; WIDE], 0);
    for (i, &b) in bytes.iter().enumerate() {
        if let Some(mark) = [2, 4, 6].iter().position(|&at| at == i) {
            text[length] = b"::."[mark];
            length += 1;
        }
        text[length] = b;
        length += 1;
    }
    (Decoded::Short(text, length), true)
}

/// Writes a canonical text as an element says it. Texts and codes are written by the caller, which knows the
/// character set; this is for numbers, dates and times, which are ASCII.
pub(super) fn encode(form: Form, text: &[u8], out: &mut Vec<u8>) -> Result<(), &'static str> {
    match form {
        Form::Text { .. } | Form::Whole { .. } | Form::Code { .. } => {
            out.extend_from_slice(text);
            Ok(())
        }
        Form::Decimal { min } => encode_decimal(text, min, out),
        Form::Implied { places, min } => encode_implied(text, usize::from(places), min, out),
        Form::Integer { min } => {
            let number = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
            encode_integer(number.ok_or("is no whole number")?, min, out);
            Ok(())
        }
        Form::Date { six } => {
            if let [a, b, c, d, b'-', e, f, b'-', g, h] = *text {
                let digits = [a, b, c, d, e, f, g, h];
                if digits.iter().all(u8::is_ascii_digit) {
                    out.extend_from_slice(&digits[if six { 2 } else { 0 }..]);
                    return Ok(());
                }
            }
            if text.len() != 10 {
                return Err("is no date");
            }
            let digits = text.iter().copied().filter(u8::is_ascii_digit);
            out.extend(digits.skip(if six { 2 } else { 0 }));
            Ok(())
        }
        Form::Time => {
            let mut buffer = [0; 11];
            let mut n = 0;
            for &b in text {
                if b.is_ascii_digit() {
                    *buffer.get_mut(n).ok_or("is no time of day")? = b;
                    n += 1;
                }
            }
            if !matches!(n, 4 | 6 | 7 | 8) {
                return Err("is no time of day");
            }
            out.extend_from_slice(&buffer[..n]);
            Ok(())
        }
    }
}

pub(super) fn encode_integer(number: i64, min: u16, out: &mut Vec<u8>) {
    let mut buffer = [b'0'; 20];
    let (mut n, mut at) = (number.unsigned_abs(), buffer.len());
    loop {
        at -= 1;
        buffer[at] = b'0' + u8::try_from(n % 10).unwrap_or(0);
        n /= 10;
        if n == 0 {
            break;
        }
    }
    if number < 0 {
        out.push(b'-');
    }
    pad(buffer.len() - at, min, out);
    out.extend_from_slice(&buffer[at..]);
}

/// Zeros up to the least length.
fn pad(digits: usize, min: u16, out: &mut Vec<u8>) {
    out.extend(std::iter::repeat_n(b'0', usize::from(min).saturating_sub(digits)));
}

/// The standard's least form: no zero before the point.
#[inline]
fn encode_decimal(text: &[u8], min: u16, out: &mut Vec<u8>) -> Result<(), &'static str> {
    if min <= 1
        && let Some(usual) = usual(text)
    {
        out.extend_from_slice(usual);
        return Ok(());
    }
    let n = parts(text).filter(|n| n.plain).ok_or(NO_NUMBER)?;
    let leading = n.whole.iter().take_while(|&&b| b == b'0').count();
    let whole = &n.whole[leading..];
    // Zero itself keeps one digit.
    let whole: &[u8] = if whole.is_empty() && n.fraction.is_empty() { b"0" } else { whole };
    if n.negative {
        out.push(b'-');
    }
    pad(whole.len() + n.fraction.len(), min, out);
    out.extend_from_slice(whole);
    if !n.fraction.is_empty() {
        out.push(b'.');
        out.extend_from_slice(n.fraction);
    }
    Ok(())
}

/// The usual number as it is written: digits that begin with no zero, perhaps a point with digits after it.
#[inline]
fn usual(text: &[u8]) -> Option<&[u8]> {
    let text = match text {
        [b'0', rest @ ..] => rest,
        _ => text,
    };
    if !matches!(text.first()?, b'1'..=b'9' | b'.') || !text.last()?.is_ascii_digit() {
        return None;
    }
    let mut points = 0;
    for &b in text {
        match b {
            b'0'..=b'9' => {}
            b'.' => points += 1,
            _ => return None,
        }
    }
    (points <= 1).then_some(text)
}

fn encode_implied(
    text: &[u8],
    places: usize,
    min: u16,
    out: &mut Vec<u8>,
) -> Result<(), &'static str> {
    let n = parts(text).filter(|n| n.plain).ok_or(NO_NUMBER)?;
    let kept = &n.fraction[..n.fraction.len().min(places)];
    if n.fraction[kept.len()..].iter().any(|&b| b != b'0') {
        return Err("has more decimals than the element has");
    }
    let zeros = std::iter::repeat_n(b'0', places - kept.len());
    let all = n.whole.iter().chain(kept).copied().chain(zeros);
    let mut digits = all.clone().skip_while(|&b| b == b'0').peekable();
    let count = digits.clone().count();
    if n.negative && count > 0 {
        out.push(b'-');
    }
    if digits.peek().is_none() {
        pad(1, min, out);
        out.push(b'0');
        return Ok(());
    }
    pad(count, min, out);
    out.extend(digits);
    Ok(())
}
