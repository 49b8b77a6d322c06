//! A set as an analyst knows it from an implementation guide: a table of its places, and of their elements.
//!
//! [`view()`], [`dictionary_view`] and [`element_view`] gather what is shown, for machines; [`set`], [`dictionary`] and
//! [`element`] write it for people.

mod text;
mod view;

pub use text::{dictionary, element, set};
pub use view::{
    CodeView, CodesView, ElementView, PlaceView, SegmentView, SetView, dictionary_view,
    element_view, note_in_words, type_name, view,
};

/// What to show of a set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ShowOptions {
    /// The elements of its segments too.
    pub elements: bool,
    /// The codes of those elements too: those with words of ours, and how many there are besides.
    pub codes: bool,
    /// Only this segment, with its elements: its tag (`PO1`), in any case.
    pub segment: Option<String>,
}
