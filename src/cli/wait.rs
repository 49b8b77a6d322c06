//! A count on the terminal while something takes long.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::screen;

/// Does something that tells how far it is: how many of how many, 0 where nobody knows. Where standard error is no
/// terminal, nothing is shown.
pub(super) fn waiting<T>(
    what: &'static str,
    work: impl FnOnce(&mut dyn FnMut(u64, u64)) -> T,
) -> T {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(5));
    let style = ProgressStyle::with_template("{human_pos} {msg}  {elapsed}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    bar.set_message(what);
    screen::show(Some(bar.clone()));
    let done = work(&mut |done, of| {
        if of > 0 {
            bar.set_message(format!("of {of} {what}"));
        }
        bar.set_position(done);
    });
    screen::show(None);
    bar.finish_and_clear();
    done
}
