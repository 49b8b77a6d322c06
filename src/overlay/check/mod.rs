//! The check of a set under an overlay.

use super::Overlay;
use crate::findings::Findings;
use crate::grammar::Walked;

pub(super) fn check(_: &Overlay, _: &Walked<'_>, _: &mut Findings) {}
