//! Functional acknowledgements: what a partner's translator made of a group that was sent to it.

use super::{Unmapped, noun::nouns};

nouns! {
    /// The answer to one functional group.
    struct Acknowledgement {
        /// Kind of group (GS01), for instance `PO`.
        group: String,
        /// Control number of the group (GS06).
        group_number: String,
        /// Release of the group (GS08), where it is told.
        release: Option<String>,
        /// What became of the sets of the group.
        sets: Vec<AcknowledgedSet>,
        /// What became of the group: `accepted`, `accepted_with_errors`, `partially_accepted`, `rejected`, or the
        /// X12 code (element 715).
        outcome: Option<String>,
        /// How many sets the group said it had.
        sets_included: Option<i64>,
        /// How many were received.
        sets_received: Option<i64>,
        /// How many were accepted.
        sets_accepted: Option<i64>,
        /// What is wrong with the group, as X12 codes (element 716).
        errors: Vec<ErrorCode>,
        /// What no field holds.
        unmapped: Option<Box<Unmapped>>,
    }

    /// What became of one transaction set.
    struct AcknowledgedSet {
        /// Which kind of set (ST01), for instance `850`.
        set: Option<String>,
        /// Its control number (ST02).
        number: Option<String>,
        /// Its implementation convention (ST03).
        convention: Option<String>,
        /// What is wrong with its segments.
        segments: Vec<SegmentError>,
        /// What became of it: `accepted`, `accepted_with_errors`, `rejected`, or the X12 code (element 717).
        outcome: Option<String>,
        /// What is wrong with the set, as X12 codes (element 718).
        errors: Vec<ErrorCode>,
        /// What no field holds.
        unmapped: Option<Box<Unmapped>>,
    }

    /// What is wrong with a segment.
    struct SegmentError {
        /// Its name, for instance `PO1`.
        segment: Option<String>,
        /// Its position in the set, the first being 1.
        position: Option<i64>,
        /// The loop that it is in.
        loop_id: Option<String>,
        /// What is wrong, as the X12 code (element 720 or 620).
        code: Option<String>,
        /// Where it stands, told otherwise.
        contexts: Vec<ErrorContext>,
        /// What is wrong with its elements.
        elements: Vec<ElementError>,
        /// What no field holds.
        unmapped: Option<Box<Unmapped>>,
    }

    /// What is wrong with an element.
    struct ElementError {
        /// Its position in the segment, from 1.
        position: Option<i64>,
        /// Its component in the composite, from 1.
        component: Option<i64>,
        /// Its repetition, from 1.
        repetition: Option<i64>,
        /// Its number in the dictionary, for instance `330`.
        element: Option<String>,
        /// What is wrong, as the X12 code (element 723 or 621).
        code: Option<String>,
        /// The value.
        value: Option<String>,
        /// Where it stands, told otherwise.
        contexts: Vec<ErrorContext>,
        /// What no field holds.
        unmapped: Option<Box<Unmapped>>,
    }

    /// Where an error is, told otherwise than by position.
    struct ErrorContext {
        /// What kind of thing the context names.
        name: Option<String>,
        /// Which one.
        value: Option<String>,
        /// The segment, where the context is one.
        segment: Option<String>,
        /// Its position in the set.
        position: Option<i64>,
        /// The loop that it is in.
        loop_id: Option<String>,
    }

    /// A code that tells what is wrong.
    struct ErrorCode {
        /// The X12 code.
        code: Option<String>,
    }
}
