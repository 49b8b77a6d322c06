//! Bytes that are written again and again: names of fields and canonical words as JSON has them.

/// This many bytes are copied at once: one step, whatever the length of the text is.
pub(super) const WIDE: usize = 32;

/// Short bytes, ready to be copied at a fixed length.
#[derive(Debug, Clone)]
pub(super) struct Stamp {
    head: [u8; WIDE],
    /// How many there are.
    length: usize,
    /// All of them, where they are not short.
    long: Option<Box<[u8]>>,
}

impl Stamp {
    /// The name of a field, up to the quote that opens a text: `,"name":"`.
    pub(super) fn name(name: &str) -> Self {
        Self::new(&format!(",{}:\"", serde_json::Value::from(name)))
    }

    /// A canonical word with the quote that closes it.
    pub(super) fn word(word: &str) -> Self {
        Self::new(serde_json::Value::from(word).to_string().split_at(1).1)
    }

    /// What an item of a list begins with, up to the quote that opens a text.
    pub(super) const fn item() -> Self {
        let mut head = [0; WIDE];
        head[0] = b',';
        head[1] = b'"';
        Self { head, length: 2, long: None }
    }

    fn new(text: &str) -> Self {
        let mut head = [0; WIDE];
        let short = text.len().min(WIDE);
        head[..short].copy_from_slice(&text.as_bytes()[..short]);
        let long = (text.len() > WIDE).then(|| text.as_bytes().into());
        Self { head, length: text.len(), long }
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.length
    }

    /// The bytes and whatever comes after them, where they are short.
    #[inline]
    pub(super) fn wide(&self) -> Option<&[u8; WIDE]> {
        (self.length <= WIDE).then_some(&self.head)
    }

    /// The same with how many there are.
    #[inline]
    pub(super) fn wide_and_length(&self) -> Option<(&[u8; WIDE], usize)> {
        Some((self.wide()?, self.length))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.long.as_deref().unwrap_or(&self.head[..self.length.min(WIDE)])
    }
}
