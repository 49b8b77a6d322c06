//! Errors in words, with what caused them.

/// An error with its causes: libraries leave out of their own text what went wrong.
///
/// ```
/// # #[derive(Debug, thiserror::Error)]
/// # #[error("cannot be sent")]
/// # struct Outer(#[source] std::io::Error);
/// let error = Outer(std::io::Error::other("the line is dead"));
/// assert_eq!(crossdock::causes::chain(&error), "cannot be sent: the line is dead");
/// ```
#[must_use]
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
