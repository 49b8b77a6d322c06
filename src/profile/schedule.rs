//! When something is looked at: every so many seconds, or at the times of a cron expression.

use std::str::FromStr;
use std::time::Duration;

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::Zoned;
use jiff::civil::date;
use jiff::tz::TimeZone;

/// When a mailbox is looked into.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Schedule {
    /// So long after the last look; the first at once.
    Every(Duration),
    /// At the times of a cron expression, as the clock on the wall shows them.
    Times(Box<Cron>),
}

impl Schedule {
    /// How long it is until the next look.
    #[must_use]
    pub fn wait(&self, now: &Zoned) -> Duration {
        match self {
            Self::Every(pause) => *pause,
            Self::Times(times) => times
                .find_next_occurrence(now, false)
                .ok()
                .and_then(|next| Duration::try_from(now.duration_until(&next)).ok())
                // It was seen to have one when it was read; a clock near its end has none.
                .unwrap_or(Duration::MAX),
        }
    }

    /// Whether the first look is at once, and not at a time of its own.
    #[must_use]
    pub fn begins_at_once(&self) -> bool {
        matches!(self, Self::Every(_))
    }
}

impl FromStr for Schedule {
    type Err = String;

    /// Reads a cron expression: minute, hour, day of the month, month, day of the week.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parser =
            CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let times = parser.parse(text).map_err(|e| e.to_string())?;
        // 29 February comes within eight years of any day.
        let some_day = date(2026, 1, 1).to_zoned(TimeZone::UTC).map_err(|e| e.to_string())?;
        match times.find_next_occurrence(&some_day, true) {
            Ok(_) => Ok(Self::Times(Box::new(times))),
            Err(_) => Err("that time never comes".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A moment as a clock in New York shows it.
    fn at(text: &str) -> Zoned {
        let zone = TimeZone::posix("EST5EDT,M3.2.0,M11.1.0").unwrap();
        text.parse::<jiff::Timestamp>().unwrap().to_zoned(zone)
    }

    #[test]
    fn the_next_look_is_when_the_schedule_says() {
        let minutes = |count| Duration::from_mins(count);
        let nightly: Schedule = "15 2 * * MON-FRI".parse().unwrap();
        // A Friday.
        let now = at("2026-11-20T02:00:00-05:00");
        assert_eq!(nightly.wait(&now), minutes(15));
        let later = at("2026-11-20T02:15:00-05:00");
        assert_eq!(nightly.wait(&later), minutes(3 * 24 * 60), "not twice, and not on a Saturday");
        assert_eq!(Schedule::Every(minutes(1)).wait(&now), minutes(1));
    }

    #[test]
    fn a_time_that_the_clock_leaves_out_or_has_twice_is_met() {
        let nightly: Schedule = "30 2 * * *".parse().unwrap();
        let before = at("2026-03-08T01:59:00-05:00");
        assert!(nightly.wait(&before) <= Duration::from_hours(2), "2:30 is not on that day");
        let twice: Schedule = "30 1 * * *".parse().unwrap();
        let between = at("2026-11-01T01:31:00-04:00");
        assert!(twice.wait(&between) > Duration::from_hours(12), "once a night is once");
    }

    #[test]
    fn what_is_no_schedule_or_never_comes_is_refused() {
        for bad in ["", "every minute", "61 * * * *", "0 0 30 2 *", "* * * * * *", "* * *"] {
            assert!(bad.parse::<Schedule>().is_err(), "{bad}");
        }
        for good in ["*/5 8-18 * * *", "0 6 1 * *", "0 0 29 2 *"] {
            assert!(good.parse::<Schedule>().is_ok(), "{good}");
        }
    }
}
