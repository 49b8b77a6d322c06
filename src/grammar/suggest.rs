//! "Did you mean …": the nearest of the words that could have stood there.

/// Words longer than this are compared no further: no word of ours is.
const WORD_CHARS_MAX: usize = 32;

/// The candidate nearest to `word`, where one is near enough to be what was meant: at most one slip in short
/// words, two in longer ones (a slip: a character added, left out, changed, or swapped with its neighbour).
pub(crate) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let length = word.chars().count();
    if length == 0 || length > WORD_CHARS_MAX {
        return None;
    }
    let slips_max = if length <= 4 { 1 } else { 2 };
    candidates
        .into_iter()
        .filter(|c| c.chars().count().abs_diff(length) <= slips_max && *c != word)
        .map(|c| (distance(&word.to_lowercase(), &c.to_lowercase()), c))
        .filter(|&(slips, _)| slips <= slips_max)
        .min_by_key(|&(slips, _)| slips)
        .map(|(_, c)| c)
}

/// "did you mean `x`?", or else what is expected.
pub(crate) fn mend<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
    otherwise: &str,
) -> String {
    match nearest(word, candidates) {
        Some(candidate) => format!("did you mean `{candidate}`?"),
        None => otherwise.to_owned(),
    }
}

/// Edit distance with swaps of neighbours counted as one (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let changed = usize::from(a[i - 1] != b[j - 1]);
            row[j] = (last[j] + 1).min(row[j - 1] + 1).min(last[j - 1] + changed);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_the_word_that_was_meant() {
        let words = ["heading", "detail", "summary", "loop", "end"];
        assert_eq!(nearest("headign", words), Some("heading"));
        assert_eq!(nearest("detial", words), Some("detail"));
        assert_eq!(nearest("Loop", words), Some("loop"));
        assert_eq!(nearest("xyzzy", words), None);
        assert_eq!(nearest("", words), None);
        assert_eq!(nearest("P01", ["PO1", "IT1"]), Some("PO1"));
    }
}
