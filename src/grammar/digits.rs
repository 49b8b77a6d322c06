//! Check digits of GS1 numbers (GS1 General Specifications, 7.9): weights 3 and 1 from the right, modulo 10.

/// A kind of number that ends with a check digit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// A shipping container.
    Sscc,
    /// A trade item.
    Gtin,
    /// A trade item, of 12 digits.
    Upc,
    /// A place or a company.
    Gln,
}

/// What is wrong with a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wrong {
    /// Not so many digits, or not digits.
    Form,
    /// The last digit should be this one.
    Digit(u8),
}

impl Scheme {
    /// What a number of this kind is, for a person.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Sscc => "an SSCC of 18 digits",
            Self::Gtin => "a GTIN of 8, 12, 13 or 14 digits",
            Self::Upc => "a UPC of 12 digits",
            Self::Gln => "a GLN of 13 digits",
        }
    }

    /// How many digits it may have as it is sent.
    pub(crate) fn lengths(self) -> &'static [u32] {
        match self {
            Self::Sscc => &[18, 20],
            Self::Gtin => &[8, 12, 13, 14],
            Self::Upc => &[12],
            Self::Gln => &[13],
        }
    }

    /// The digits of the number itself: an SSCC may be sent with its application identifier, 00.
    pub(crate) fn number(self, value: &[u8]) -> Option<&[u8]> {
        let fits = match (self, value.len()) {
            (Self::Sscc, 20) => return value.strip_prefix(b"00"),
            (Self::Sscc, length) => length == 18,
            (Self::Gtin, length) => matches!(length, 8 | 12 | 13 | 14),
            (Self::Upc, length) => length == 12,
            (Self::Gln, length) => length == 13,
        };
        fits.then_some(value)
    }
}

/// Whether a value is a number of this kind with its right check digit. Eight digits at once, from the right.
#[inline]
pub(crate) fn is_right(scheme: Scheme, value: &[u8]) -> bool {
    const LANES: u64 = 0x00FF_00FF_00FF_00FF;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let Some(mut left) = scheme.number(value) else { return false };
    let Some(&first) = left.first_chunk() else { return false };
    let (mut sums, mut others) = (0, 0);
    while !left.is_empty() {
        let digits = if let Some((before, last)) = left.split_last_chunk() {
            left = before;
            u64::from_le_bytes(*last) ^ 0x3030_3030_3030_3030
        } else {
            // Fewer than eight are left: the first eight without those that were added already.
            let free = 64 - 8 * std::mem::take(&mut left).len();
            (u64::from_le_bytes(first) ^ 0x3030_3030_3030_3030) << free
        };
        // Whatever is above 9 has its high bit set.
        others |= (((digits & !HIGH) + 0x7676_7676_7676_7676) | digits) & HIGH;
        sums += 3 * (digits & LANES) + ((digits >> 8) & LANES);
    }
    let sum = sums.wrapping_mul(0x0001_0001_0001_0001) >> 48;
    others == 0 && sum % 10 == 0
}

/// What is wrong with a value as a number of this kind; `None` where it is one.
#[inline]
pub(crate) fn wrong(scheme: Scheme, value: &[u8]) -> Option<Wrong> {
    let Some((&last, digits)) = scheme.number(value).and_then(|n| n.split_last()) else {
        return Some(Wrong::Form);
    };
    let mut sums = [0_u32; 2];
    for (at, digit) in digits.iter().rev().enumerate() {
        if !digit.is_ascii_digit() {
            return Some(Wrong::Form);
        }
        sums[at & 1] += u32::from(digit - b'0');
    }
    if !last.is_ascii_digit() {
        return Some(Wrong::Form);
    }
    let right = b'0' + u8::try_from((10 - (3 * sums[0] + sums[1]) % 10) % 10).unwrap_or(0);
    (last != right).then_some(Wrong::Digit(right))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_each_kind() {
        assert_eq!(wrong(Scheme::Upc, b"036000291452"), None);
        assert_eq!(wrong(Scheme::Upc, b"036000291453"), Some(Wrong::Digit(b'2')));
        assert_eq!(wrong(Scheme::Gtin, b"4006381333931"), None);
        assert_eq!(wrong(Scheme::Gtin, b"96385074"), None);
        assert_eq!(wrong(Scheme::Gln, b"4006381333931"), None);
        assert_eq!(wrong(Scheme::Sscc, b"006141411234567890"), None);
        assert_eq!(wrong(Scheme::Sscc, b"00006141411234567890"), None);
        assert_eq!(wrong(Scheme::Sscc, b"006141411234567891"), Some(Wrong::Digit(b'0')));
        for bad in
            [&b""[..], b"1", b"00614141123456789X", b"0061414112345678AB", b"11006141411234567890"]
        {
            assert_eq!(wrong(Scheme::Sscc, bad), Some(Wrong::Form), "{bad:?}");
        }
    }

    #[test]
    fn quickly_is_like_slowly() {
        let all = [Scheme::Sscc, Scheme::Gtin, Scheme::Upc, Scheme::Gln];
        let mut number = 1_u64;
        for round in 0..20_000 {
            number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let mut value = format!("00{number:020}").into_bytes();
            value.drain(..(number >> 8) as usize % 16);
            if round % 10 == 0 {
                let at = (number >> 40) as usize % value.len();
                value[at] = number.to_le_bytes()[3];
            }
            for scheme in all {
                let is_wrong = wrong(scheme, &value).is_some();
                assert_eq!(is_right(scheme, &value), !is_wrong, "{scheme:?} {value:?}");
            }
        }
    }
}
