//! Single values: whether bytes are a number, a date, a time.

/// Digits of a number, sign and decimal point left out, or `None` where it is none. `point` allows a decimal point.
#[inline]
pub(crate) fn number_digits(bytes: &[u8], point: bool) -> Option<u32> {
    let digits = bytes.strip_prefix(b"-").unwrap_or(bytes);
    let mut count = 0u32;
    let mut points = 0u32;
    for &byte in digits {
        if byte.is_ascii_digit() {
            count += 1;
        } else if byte == b'.' && point {
            points += 1;
        } else {
            return None;
        }
    }
    (count > 0 && points <= 1).then_some(count)
}

/// Whether the bytes are CCYYMMDD or YYMMDD of the calendar.
#[inline]
pub(crate) fn is_date(bytes: &[u8]) -> bool {
    let (year, rest) = match bytes.len() {
        8 => (digits(&bytes[..4]), &bytes[4..]),
        6 => (digits(&bytes[..2]).map(|year| year + 2000), &bytes[2..]),
        _ => return false,
    };
    let (Some(year), Some(month), Some(day)) = (year, digits(&rest[..2]), digits(&rest[2..]))
    else {
        return false;
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => return false,
    };
    (1..=last).contains(&day)
}

/// Whether the bytes are HHMM, HHMMSS, HHMMSSD or HHMMSSDD.
#[inline]
pub(crate) fn is_time(bytes: &[u8]) -> bool {
    if !matches!(bytes.len(), 4 | 6 | 7 | 8) || !bytes.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let part = |at: usize, limit: u32| {
        bytes.get(at..at + 2).is_none_or(|two| digits(two).is_some_and(|n| n < limit))
    };
    part(0, 24) && part(2, 60) && part(4, 60)
}

#[inline]
fn digits(bytes: &[u8]) -> Option<u32> {
    bytes
        .iter()
        .try_fold(0u32, |sum, &b| b.is_ascii_digit().then(|| sum * 10 + u32::from(b - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_dates_and_times() {
        assert_eq!(number_digits(b"-12.50", true), Some(4));
        assert_eq!(number_digits(b".5", true), Some(1));
        for bad in [&b""[..], b"-", b".", b"1.2.3", b"1,5", b"+5", b" 5", b"5-"] {
            assert_eq!(number_digits(bad, true), None, "{bad:?}");
        }
        assert_eq!(number_digits(b"1.5", false), None);
        assert!(is_date(b"20240229") && is_date(b"261121"));
        for bad in [&b"20230229"[..], b"20261301", b"20261100", b"2026112", b"2026112X"] {
            assert!(!is_date(bad), "{bad:?}");
        }
        assert!(
            is_time(b"0000")
                && is_time(b"2359")
                && is_time(b"235959")
                && is_time(b"2359599")
                && is_time(b"23595999")
        );
        for bad in [&b"2400"[..], b"1260", b"12305", b"123060", b"12:30"] {
            assert!(!is_time(bad), "{bad:?}");
        }
    }
}
