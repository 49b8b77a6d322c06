//! Where the control numbers of what we send come from.

use super::section::Section;

/// `[control_numbers]`: the ranges from which numbers are given, in order, each once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ControlNumbers {
    /// ISA13.
    pub interchange: Range,
    /// GS06.
    pub group: Range,
    /// ST02.
    pub set: Range,
    /// How ST02 is written.
    pub set_form: SetNumberForm,
}

/// A range of control numbers, both ends in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The first number given.
    pub first: u64,
    /// The last.
    pub last: u64,
    /// Whether the numbers begin anew after the last, those passed over that were used within the time for which
    /// numbers count as seen. Else nothing more is sent until the range is changed.
    pub rollover: bool,
}

impl Range {
    /// Nine digits are what ISA13 holds, and the most that GS06 and ST02 do.
    pub const LAST_MAX: u64 = 999_999_999;
}

impl Default for Range {
    fn default() -> Self {
        Self { first: 1, last: Self::LAST_MAX, rollover: true }
    }
}

/// How ST02 is written: `prefix`, the number in at least `width` digits, `suffix`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetNumberForm {
    /// Before the number.
    pub prefix: String,
    /// After it.
    pub suffix: String,
    /// Its least digits, zeros before it.
    pub width: usize,
}

impl Default for SetNumberForm {
    fn default() -> Self {
        Self { prefix: String::new(), suffix: String::new(), width: ST02_CHARS.0 }
    }
}

impl SetNumberForm {
    /// ST02 of a number.
    ///
    /// ```
    /// use crossdock::profile::SetNumberForm;
    /// let form = SetNumberForm { prefix: "A".into(), ..SetNumberForm::default() };
    /// assert_eq!(form.text(7), "A0007");
    /// ```
    #[must_use]
    pub fn text(&self, number: u64) -> String {
        format!("{}{number:0width$}{}", self.prefix, self.suffix, width = self.width)
    }
}

/// Least and most characters of ST02.
const ST02_CHARS: (usize, usize) = (4, 9);

impl ControlNumbers {
    pub(super) fn read(section: &mut Section<'_>) -> Self {
        let interchange = range(section, "interchange");
        let group = range(section, "group");
        let mut set = section.section("set");
        let set_form = form(&mut set);
        let room = ST02_CHARS.1 - set_form.prefix.len() - set_form.suffix.len();
        let last_max = 10u64.pow(u32::try_from(room).unwrap_or(1)) - 1;
        let range = bounds(&mut set, last_max);
        set.end();
        Self { interchange, group, set: range, set_form }
    }
}

/// Fewer numbers than this are used up in a foreseeable time where each is used once, ever.
const NUMBERS_MIN: u64 = 1_000_000;

impl ControlNumbers {
    /// Warns where numbers count for ever (0 days), and there are few, or they are to begin anew.
    pub(super) fn for_days(&self, days: u32, section: &mut Section<'_>) {
        if days != 0 {
            return;
        }
        let ranges = [("interchange", self.interchange), ("group", self.group), ("set", self.set)];
        for (name, Range { first, last, rollover }) in ranges {
            let mut section = section.section(name);
            // What makes no range is told already.
            let Some(count) = last.checked_sub(first).map(|more| more + 1) else { continue };
            if count < NUMBERS_MIN {
                let s = if count == 1 { "" } else { "s" };
                let words = format!(
                    "leaves {count} number{s}, and with `days = 0` in [duplicates] none is used twice: after them nothing is sent any more. Say there for how many days numbers count, or leave more"
                );
                let keys = ["last", "first", "prefix", "suffix"];
                let key = keys.into_iter().find(|key| section.has(key)).unwrap_or("last");
                section.warn_key(key, words);
            } else if section.has("rollover") && rollover {
                let words =
                    "changes little: with `days = 0` in [duplicates] no number is used twice";
                section.warn_key("rollover", words);
            }
        }
    }
}

fn range(section: &mut Section<'_>, key: &'static str) -> Range {
    let mut section = section.section(key);
    let range = bounds(&mut section, Range::LAST_MAX);
    section.end();
    range
}

fn bounds(section: &mut Section<'_>, last_max: u64) -> Range {
    let first = section.number("first", 1, (1, last_max));
    let last = section.number("last", last_max, (1, last_max));
    if first > last {
        let key = if section.has("first") { "first" } else { "last" };
        section.wrong_key(key, format_args!("makes no range: {first} to {last}"));
    }
    let rollover = section.flag("rollover", true);
    Range { first, last, rollover }
}

fn form(section: &mut Section<'_>) -> SetNumberForm {
    let prefix = section.text_or("prefix", "");
    let suffix = section.text_or("suffix", "");
    let usable = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric());
    for (key, text) in [("prefix", &prefix), ("suffix", &suffix)] {
        if !usable(text) {
            section.wrong_key(key, "is letters and digits");
        }
    }
    let (least, most) = ST02_CHARS;
    let affixes = prefix.len() + suffix.len();
    if affixes >= most {
        let key = if section.has("prefix") { "prefix" } else { "suffix" };
        section.wrong_key(key, "leaves no room for a number: ST02 has at most nine characters");
        // How many digits there may be then cannot be told; the key is one all the same.
        section.number("width", least as u64, (1, most as u64));
        return SetNumberForm::default();
    }
    let usual = least.saturating_sub(affixes).max(if affixes == 0 { least } else { 1 });
    let bounds = (least.saturating_sub(affixes).max(1), most - affixes);
    let given = section.number("width", usual as u64, (bounds.0 as u64, bounds.1 as u64));
    let width = usize::try_from(given).unwrap_or(usual);
    SetNumberForm { prefix, suffix, width }
}
