//! Dates and times as documents have them: a day, and perhaps a time of day in some precision, of some zone.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::noun::nouns;

nouns! {
    /// A date and time, and what it is the date of.
    struct Moment {
        /// What happens then: `requested_ship`, `shipped`, `cancel_after` …, or the X12 code (element 374).
        kind: Option<String>,
        /// The day.
        date: Option<Date>,
        /// The time of day, in the precision in which it was given.
        time: Option<TimeOfDay>,
        /// Time zone as the X12 code (element 623), for instance `ET`, `UT`.
        zone: Option<String>,
        /// How `period` is written, as the X12 code (element 1250), for instance `RD8`.
        period_format: Option<String>,
        /// A date, time or period in another notation.
        period: Option<String>,
    }
}

/// A time of day that keeps the precision in which it was given: `14:05`, `14:05:09`, `14:05:09.5` and
/// `14:05:09.50` are four different values.
///
/// ```
/// use crossdock::canonical::TimeOfDay;
/// let time: TimeOfDay = "14:05".parse().unwrap();
/// assert_eq!((time.hour(), time.minute(), time.second()), (14, 5, None));
/// assert_eq!(time.to_string(), "14:05");
/// assert!("24:00".parse::<TimeOfDay>().is_err());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TimeOfDay {
    hour: u8,
    minute: u8,
    second: Option<u8>,
    /// Decimals of the second with their number of digits (1 or 2).
    decimals: Option<(u8, u8)>,
}

/// What is no time of day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a time of day is written HH:MM, HH:MM:SS, HH:MM:SS.D or HH:MM:SS.DD, from 00:00 to 23:59:59.99"
)]
pub struct TimeOfDayError;

impl TimeOfDay {
    /// The hour, 0 to 23.
    #[must_use]
    pub fn hour(self) -> u8 {
        self.hour
    }

    /// The minute, 0 to 59.
    #[must_use]
    pub fn minute(self) -> u8 {
        self.minute
    }

    /// The second, 0 to 59, where it was given.
    #[must_use]
    pub fn second(self) -> Option<u8> {
        self.second
    }
}

impl FromStr for TimeOfDay {
    type Err = TimeOfDayError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let two = |at: usize, limit: u8| -> Option<u8> {
            let pair = text.as_bytes().get(at..at + 2)?;
            let digit = |b: u8| b.is_ascii_digit().then(|| b - b'0');
            let value = digit(pair[0])? * 10 + digit(pair[1])?;
            (value < limit).then_some(value)
        };
        let mark = |at: usize, byte: u8| text.as_bytes().get(at) == Some(&byte);
        let parse = || -> Option<Self> {
            let (hour, minute) = (two(0, 24)?, two(3, 60)?);
            let second = if text.len() > 5 { Some(two(6, 60)?) } else { None };
            let decimals = match text.get(9..) {
                Some(d) if !d.is_empty() && d.bytes().all(|b| b.is_ascii_digit()) => {
                    Some((d.parse().ok()?, u8::try_from(d.len()).ok()?))
                }
                _ => None,
            };
            let shape = mark(2, b':')
                && match text.len() {
                    5 => true,
                    8 => mark(5, b':'),
                    10 | 11 => mark(5, b':') && mark(8, b'.') && decimals.is_some(),
                    _ => false,
                };
            shape.then_some(Self { hour, minute, second, decimals })
        };
        parse().ok_or(TimeOfDayError)
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.hour, self.minute)?;
        if let Some(second) = self.second {
            write!(f, ":{second:02}")?;
        }
        if let Some((value, digits)) = self.decimals {
            write!(f, ".{value:0width$}", width = usize::from(digits))?;
        }
        Ok(())
    }
}

impl Serialize for TimeOfDay {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TimeOfDay {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for TimeOfDay {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "TimeOfDay".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "format": "time-of-day" })
    }
}
