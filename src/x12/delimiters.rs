//! The four bytes that give a file its shape.

/// The delimiters of one interchange, learned from its ISA and never assumed. Any of them may be any byte.
///
/// ```
/// use crossdock::x12::Delimiters;
/// let usual = Delimiters::default();
/// assert_eq!((usual.element, usual.component, usual.segment), (b'*', b'>', b'~'));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delimiters {
    /// Between elements: the byte after `ISA`.
    pub element: u8,
    /// Between components of a composite: ISA16.
    pub component: u8,
    /// Between repetitions of an element: ISA11 from 00402 on, unless that is `U` or alphanumeric.
    pub repetition: Option<u8>,
    /// After a segment: the byte after ISA16.
    pub segment: u8,
}

impl Default for Delimiters {
    fn default() -> Self {
        Self { element: b'*', component: b'>', repetition: None, segment: b'~' }
    }
}

impl Delimiters {
    /// Whether the byte is one of them.
    #[must_use]
    pub fn contains(&self, byte: u8) -> bool {
        byte == self.element
            || byte == self.component
            || byte == self.segment
            || Some(byte) == self.repetition
    }
}
