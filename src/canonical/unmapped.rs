//! What a document carried that no field holds: kept, and written back at its place.
//!
//! A *place* is named as in the grammar, within the loop that the object stands for: `REF`, or `REF#2` for the
//! second place of that name. In the texts of elements, components stand apart by `>` and repetitions by `^`;
//! where one of these or a `\` is part of the data, a `\` stands before it.

use super::noun::nouns;

nouns! {
    /// What no field holds.
    struct Unmapped {
        /// Whole segments and loops.
        segments: Vec<UnmappedSegment>,
        /// Elements of segments of which fields hold others.
        elements: Vec<UnmappedElements>,
        /// Values that fields hold, in the form in which they were sent, where that is not the usual one. Used
        /// again as long as the field has the same value.
        as_sent: Vec<UnmappedElements>,
        /// Orders of segments other than the usual one.
        order: Vec<SegmentOrder>,
        /// Places at which a segment is usually written, and was not sent.
        absent: Vec<String>,
        /// Segments that the transaction set has no place for.
        unplaced: Vec<UnplacedSegment>,
    }

    /// A segment or loop that no field holds.
    struct UnmappedSegment {
        /// Its place.
        segment: String,
        /// Which one there (1-based, all that stand at this place counted); absent for the first.
        nth: Option<u32>,
        /// Its elements (of a loop: those of its first segment).
        elements: Vec<String>,
        /// The other segments of a loop.
        inside: Vec<RawSegment>,
    }

    /// A segment as it was sent.
    struct RawSegment {
        /// Its name.
        segment: String,
        /// Its elements.
        elements: Vec<String>,
    }

    /// Elements of a segment.
    struct UnmappedElements {
        /// The place of the segment.
        segment: String,
        /// Which one there (1-based, all that stand at this place counted); absent for the first.
        nth: Option<u32>,
        /// The elements by position; empty where there is nothing to note.
        elements: Vec<String>,
    }

    /// The order of the segments that stand at one place.
    struct SegmentOrder {
        /// The place.
        segment: String,
        /// For each segment, in the order in which it is usually written: which one it was (1-based).
        order: Vec<u32>,
    }

    /// A segment that the transaction set has no place for.
    struct UnplacedSegment {
        /// Place of the segment or loop that it stands after.
        after: String,
        /// Which one there (1-based); absent for the first.
        nth: Option<u32>,
        /// Its name.
        segment: String,
        /// Its elements.
        elements: Vec<String>,
    }
}
