//! The catalogue: every kind of finding, what it means and which acknowledgement codes it has.

use super::Severity;

/// An entry of the catalogue; what `crossdock explain` prints.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// The kind that it describes.
    pub code: Code,
    /// Short name, `S03`.
    pub id: &'static str,
    /// Speaking name, `segment-missing`.
    pub name: &'static str,
    /// How much it weighs unless an agreement says otherwise.
    pub severity: Severity,
    /// One line.
    pub title: &'static str,
    /// What is found.
    pub what: &'static str,
    /// Why it matters.
    pub why: &'static str,
    /// What it looks like.
    pub example: &'static str,
    /// AK304 and IK304, where it is about a segment. 8 = the segment has an element in error.
    pub segment_error: Option<&'static str>,
    /// AK403 and IK403, where it is about an element.
    pub element_error: Option<&'static str>,
    /// AK502 and IK502.
    pub set_error: Option<&'static str>,
    /// AK905.
    pub group_error: Option<&'static str>,
    /// TA105.
    pub interchange_note: Option<&'static str>,
}

macro_rules! catalogue {
    ($($variant:ident $id:literal $name:literal $severity:ident $seg:expr, $elm:expr, $set:expr, $grp:expr, $ta1:expr;
       $title:literal $what:literal $why:literal $example:literal)*) => {
        /// A kind of finding.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code {
            $(#[doc = $title] $variant,)*
        }

        static CATALOGUE: &[Entry] = &[
            $(Entry {
                code: Code::$variant, id: $id, name: $name, severity: Severity::$severity,
                title: $title, what: $what, why: $why, example: $example,
                segment_error: $seg, element_error: $elm, set_error: $set, group_error: $grp, interchange_note: $ta1,
            },)*
        ];
    };
}

catalogue! {
    NoInterchange "I01" "no-interchange" Fatal None, None, None, None, Some("022");
        "No interchange in the input"
        "The input holds no ISA segment, so there is nothing that could be read, sorted to a partner or answered."
        "A file that is not X12 at all (a PDF, an HTML error page, an empty file) usually means that the sender's export failed."
        "<html>503 Service Unavailable</html>"
    TextBeforeInterchange "I02" "text-before-interchange" Warning None, None, None, None, None;
        "Text before the interchange"
        "Something other than blanks stands before an ISA, or between two interchanges. It is passed over."
        "Mail headers and transfer logs are met there. A part of an order is, too, when a file was cut and glued."
        "From: edi@example.com followed by ISA*00*…"
    ByteOrderMark "I03" "byte-order-mark" Advice None, None, None, None, None;
        "Byte order mark before the interchange"
        "The input begins with the three bytes EF BB BF, which an editor put there. They are passed over."
        "Many translators take them for garbage and reject the file."
        "EF BB BF ISA*00*…"
    IsaLength "I04" "isa-length" Error None, None, None, None, Some("024");
        "ISA is not 106 bytes long"
        "ISA has elements of fixed length, 106 bytes in all with the terminator. This one has not; it was read by its separators instead."
        "Elements of ISA are padded with blanks to their full length. Strict partners reject anything else."
        "ISA*00**00**ZZ*SENDER*ZZ*RECEIVER*…"
    IsaUnreadable "I05" "isa-unreadable" Fatal None, None, None, None, Some("022");
        "ISA cannot be read"
        "An interchange begins here, but its ISA is missing, or has not the sixteen elements and the terminator that tell how to read the rest."
        "Without ISA nothing is known of delimiters, sender or receiver: the whole interchange is lost."
        "ISA*00*GARBAGE"
    TrailerMissing "I06" "iea-missing" Fatal None, None, None, None, Some("023");
        "IEA is missing"
        "The interchange does not end with IEA before the next one begins or the input ends."
        "The transfer may have been cut: what else was in it cannot be known."
        "GE*1*1~ and then nothing"
    GroupCountWrong "I07" "iea-count" Error None, None, None, None, Some("021");
        "IEA01 counts other groups than there are"
        "IEA01 says how many functional groups the interchange holds; another number of them was found."
        "A group may have been lost, or the sender's counter is wrong."
        "IEA*2*000000001~ after one group"
    InterchangeNumberMismatch "I08" "iea-number" Fatal None, None, None, None, Some("001");
        "IEA02 is not ISA13"
        "The control number of the trailer is not that of the header, so the two may belong to different interchanges."
        "Two files may have been glued together."
        "ISA…*000000007*… IEA*1*000000008~"
    InterchangeNumberRepeated "I09" "interchange-number-repeated" Fatal None, None, None, None, Some("025");
        "Interchange control number repeated"
        "The same sender used the same ISA13 for another interchange in this input."
        "A repeated number usually is the same document sent twice: two orders, one sale."
        "Two ISA with 000000007 from the same sender"
    IsaElement "I10" "isa-element" Error None, None, None, None, Some("024");
        "An element of ISA is not as it must be"
        "The value of this element of ISA has the wrong length, or is not of the values that it may have."
        "Partners route and reject by these elements before they look at anything else."
        "ISA09 = 261332"
    DelimiterClash "I11" "delimiter-clash" Fatal None, None, None, None, Some("026");
        "Delimiters are not distinct"
        "Two delimiters that ISA sets are the same byte, or one is a letter, digit or blank, so that data cannot be told from structure."
        "Everything after it would be read wrongly."
        "Element separator and terminator both *"
    OutsideEnvelope "I12" "outside-envelope" Error None, None, None, None, Some("022");
        "Segment outside the envelope"
        "A segment stands where only envelope segments may: between ISA and GS, between two groups or sets, or after GE. A whole set outside any group is fatal, and rejects the interchange."
        "It belongs to no transaction set, so nobody would translate or acknowledge it; of a set outside any group not even the release is known."
        "ISA… REF*DP*12~ GS…"
    CutOff "I13" "cut-off" Fatal None, None, None, None, Some("023");
        "The input ends in the middle"
        "The last segment has no terminator: the input was cut off."
        "What is missing cannot be known; the sender has to send again."
        "…~PO1*1*1"
    VersionUnknown "I14" "interchange-version" Advice None, None, None, None, None;
        "ISA12 and GS08 name different releases"
        "ISA12 names another release than GS08. GS08 decides which grammar is used."
        "They disagree often, and it does no harm."
        "ISA12 = 00200, GS08 = 004010"
    RepetitionSeparator "I15" "repetition-separator" Advice None, None, None, None, None;
        "ISA11 is not a usable repetition separator"
        "From version 00402 on ISA11 is the repetition separator. This one is `U`, a letter, a digit or another delimiter, so that no element can be repeated."
        "Senders often leave the U of the older versions there."
        "ISA11 = U with ISA12 = 00501"
    InterchangeTooLarge "I16" "segment-too-large" Fatal None, None, None, None, Some("024");
        "A segment is larger than the limit"
        "No terminator was found within the size that is allowed for one transaction set; the rest of the interchange is passed over."
        "A wrong terminator in ISA has this effect: the whole file looks like one segment."
        "A 2 GB file without a single ~"
    TooManyFindings "I17" "too-many-findings" Advice None, None, None, None, None;
        "More findings than are kept"
        "So many things are wrong here that the rest is only counted."
        "The first ones usually tell the cause."
        "A set of 100,000 segments, each of them unknown"
    InterchangeAck "I18" "interchange-acknowledgement" Advice None, None, None, None, None;
        "Interchange acknowledgement inside"
        "A TA1 in this interchange answers one of ours."
        "It is taken to the acknowledgement ledger."
        "TA1*000000007*…"
    GroupElement "G01" "gs-element" Error None, None, None, Some("6"), None;
        "An element of GS is not as it must be"
        "The value of this element of GS has the wrong length or type."
        "Partners route by GS02, GS03 and GS08."
        "GS04 = 2026"
    GroupTrailerMissing "G02" "ge-missing" Fatal None, None, None, Some("3"), None;
        "GE is missing"
        "The functional group does not end with GE before the next group or the interchange ends."
        "The group may have been cut: sets of it may be missing."
        "SE*5*0001~IEA*1*…"
    SetCountWrong "G03" "ge-count" Error None, None, None, Some("5"), None;
        "GE01 counts other sets than there are"
        "GE01 says how many transaction sets the group holds; another number of them was found."
        "A set may have been lost, or the sender's counter is wrong."
        "GE*3*1~ after two sets"
    GroupNumberMismatch "G04" "ge-number" Fatal None, None, None, Some("4"), None;
        "GE02 is not GS06"
        "The control number of the trailer is not that of the header."
        "Two files may have been glued together."
        "GS…*7*… GE*1*8~"
    GroupNumberRepeated "G05" "group-number-repeated" Error None, None, None, Some("19"), None;
        "Group control number repeated"
        "Two groups of the same interchange have the same GS06, so that an acknowledgement cannot tell which it means."
        "AK102 names a group by nothing else."
        "Two GS with number 7"
    GroupKeptWhole "G10" "group-kept-whole" Fatal None, None, None, None, None;
        "Group rejected with one of its sets"
        "The agreement takes a group whole or not at all, and at least one of its sets cannot be accepted."
        "Some partners send what belongs together in one group, and send all of it again."
        "A group of two 850, one of them without BEG"
    GroupTypeMismatch "G06" "group-type" Error None, None, Some("6"), None, None;
        "Set does not belong in this kind of group"
        "GS01 names the kind of document that the group holds, and this set is another kind."
        "Partners route by GS01."
        "GS*IN*… around an 850"
    ReleaseUnknown "G07" "release-unknown" Warning None, None, Some("1"), None, None;
        "No grammar for this release"
        "No grammar is loaded for the set in the release that GS08 names, so that only the envelope was checked."
        "GS08's first six characters choose the grammar."
        "GS08 = 003010"
    GroupCodes "G09" "group-codes" Warning None, None, None, None, None;
        "GS02 or GS03 is not what was agreed"
        "The group names another sender or receiver than the profile has for the identities of its interchange."
        "Partners route by these codes too: the group may be meant for somebody else, or the profile is out of date."
        "GS*PO*WRONG*NORTHDOCK3PL*…"
    GroupStrayTrailer "G08" "stray-trailer" Error None, None, None, None, Some("022");
        "Trailer without its header"
        "GE or IEA stands here without the GS or ISA that it would end."
        "Parts of the file are missing, or two files were glued together."
        "GE*1*7~ after another GE"
    SetTrailerMissing "T01" "se-missing" Fatal None, None, Some("2"), None, None;
        "SE is missing"
        "The transaction set does not end with SE before the next set, GE or IEA."
        "The set may have been cut: lines of the order may be missing."
        "CTT*2~GE*1*1~"
    SegmentCountWrong "T02" "se-count" Fatal None, None, Some("4"), None, None;
        "SE01 counts other segments than there are"
        "SE01 says how many segments the set has, ST and SE counted; another number of them was found."
        "A line of the order may have been lost on the way."
        "SE*12*0001~ after nine segments"
    SetNumberMismatch "T03" "se-number" Fatal None, None, Some("3"), None, None;
        "SE02 is not ST02"
        "The control number of the trailer is not that of the header, so the two may belong to different sets."
        "Two sets may have been glued together."
        "ST*850*0001~ … SE*9*0002~"
    SetNumberRepeated "T04" "set-number-repeated" Error None, None, Some("23"), None, None;
        "Set control number repeated"
        "Two sets of the same group have the same ST02, so that an acknowledgement cannot tell which it means."
        "AK202 names a set by nothing else."
        "Two ST*850*0001~ in one group"
    SetUnknown "T05" "set-unknown" Warning None, None, Some("1"), None, None;
        "No grammar for this set"
        "No grammar is loaded for this set, so that only its envelope was checked."
        "Without a grammar nothing inside can be checked or translated."
        "ST*852*0001~"
    SetTooLarge "T06" "set-too-large" Fatal None, None, Some("5"), None, None;
        "The set is larger than the limit"
        "The transaction set is larger than the configured limit and was passed over."
        "The limit keeps one document from taking the machine's memory."
        "A set of 3 GB"
    SetNumberInvalid "T07" "set-number" Error None, None, Some("7"), None, None;
        "ST02 is not as it must be"
        "The control number of the set is missing, or not four to nine characters."
        "AK202 has to name it."
        "ST*850*1~"
    SetHeaderMissing "T08" "st-missing" Fatal None, None, Some("6"), None, Some("022");
        "SE without ST"
        "Segments stand here that end with SE but do not begin with ST."
        "What kind of document they are cannot be known."
        "GS…~BEG*00*…"
    LoneTerminator "T09" "lone-terminator" Warning None, None, None, None, None;
        "Terminator by itself"
        "Two segment terminators stand one after the other. The second is passed over, and SE01 does not count it."
        "Some readers take it for a segment without a name, and reject the set."
        "REF*DP*1~~DTM*010*20261121~"
    SegmentUnrecognised "S01" "segment-unrecognised" Fatal Some("1"), None, Some("5"), None, None;
        "Unknown segment"
        "No segment of this name is in the release's dictionary."
        "What it says, and whether what follows belongs to it, cannot be told."
        "ZZZ*1~"
    SegmentUnexpected "S02" "segment-unexpected" Fatal Some("2"), None, Some("5"), None, None;
        "Segment not expected here"
        "The set has such a segment, but not at this place or in this loop."
        "What it refers to cannot be told without guessing."
        "N3 without an N1 before it"
    SegmentMissing "S03" "segment-missing" Fatal Some("3"), None, Some("5"), None, None;
        "Mandatory segment missing"
        "The set, or a loop that is there, must have this segment."
        "What it would say cannot be guessed."
        "An 850 without BEG"
    LoopTooMany "S04" "loop-too-many" Error Some("4"), None, Some("5"), None, None;
        "Loop occurs too often"
        "The loop is repeated more often than the set allows."
        "Partners' systems have room for no more."
        "201 N1 loops in an 850"
    SegmentTooMany "S05" "segment-too-many" Error Some("5"), None, Some("5"), None, None;
        "Segment occurs too often"
        "The segment is repeated more often than this place allows."
        "Partners' systems have room for no more."
        "Four PER in the heading of an 850"
    SegmentNotInSet "S06" "segment-not-in-set" Fatal Some("6"), None, Some("5"), None, None;
        "Segment is not part of this set"
        "The release knows the segment, but this transaction set has none."
        "What it says in this document cannot be told."
        "A BSN in an 850"
    SegmentOutOfOrder "S07" "segment-out-of-order" Fatal Some("7"), None, Some("5"), None, None;
        "Segment out of order"
        "The set has this segment earlier, before others that have come already."
        "The order of segments tells what belongs to what."
        "REF after DTM in the heading"
    TrailingSeparators "S08" "trailing-separators" Advice None, None, None, None, None;
        "Empty elements at the end"
        "The segment ends with separators and nothing between them. They say nothing and are ignored."
        "X12 has them left out; strict partners complain."
        "REF*DP*12**~"
    EmptySegment "S09" "segment-empty" Error Some("8"), None, Some("5"), None, None;
        "Segment without data"
        "The segment has no element with a value."
        "It says nothing, and the place that it takes may be counted."
        "N3~"
    ElementMissing "E01" "element-missing" Fatal Some("8"), Some("1"), Some("5"), None, None;
        "Mandatory element missing"
        "The segment must have this element."
        "What it would say cannot be guessed."
        "BEG*00*SA**~"
    ConditionMissing "E02" "condition-missing" Error Some("8"), Some("2"), Some("5"), None, None;
        "Element missing that another one asks for"
        "A syntax note of the segment ties these elements together: where one is there, the other must be."
        "A quantity without its unit, or a qualifier without its value, says too little."
        "PO1*1*5~ (quantity without unit)"
    TooManyElements "E03" "too-many-elements" Error Some("8"), Some("3"), Some("5"), None, None;
        "More elements than the segment has"
        "The segment has data beyond its last element."
        "A separator inside the data shifts everything after it."
        "N3*12 Main*Suite 4*Rear~"
    ElementTooShort "E04" "element-too-short" Error Some("8"), Some("4"), Some("5"), None, None;
        "Value too short"
        "The value is shorter than the element allows."
        "Leading zeros that an export has dropped are the usual cause."
        "GS02 = A"
    ElementTooLong "E05" "element-too-long" Error Some("8"), Some("5"), Some("5"), None, None;
        "Value too long"
        "The value is longer than the element allows."
        "The receiver's field may cut it."
        "A name of 70 characters in N102"
    InvalidCharacter "E06" "invalid-character" Error Some("8"), Some("6"), Some("5"), None, None;
        "Character that may not be there"
        "The value has a character that this type of element cannot have: a control character, or a separator in an element that is not made of parts."
        "The receiver may read it as something else."
        "A tab in PID05"
    InvalidCode "E07" "invalid-code" Warning Some("8"), Some("7"), Some("5"), None, None;
        "Code not in the list"
        "The value is not in the element's list of codes."
        "Good files often carry codes that a list lacks, so this is a warning unless the agreement says otherwise."
        "PO103 = XX"
    InvalidDate "E08" "invalid-date" Fatal Some("8"), Some("8"), Some("5"), None, None;
        "No valid date"
        "The value is not a date of the calendar as CCYYMMDD or YYMMDD."
        "A date cannot be guessed."
        "BEG05 = 20260230"
    InvalidTime "E09" "invalid-time" Fatal Some("8"), Some("9"), Some("5"), None, None;
        "No valid time"
        "The value is not a time as HHMM, HHMMSS or with decimals of a second."
        "A time cannot be guessed."
        "BSN04 = 2561"
    ExclusionViolated "E10" "exclusion-violated" Error Some("8"), Some("10"), Some("5"), None, None;
        "Elements that exclude each other"
        "A syntax note of the segment lets only one of these elements be there."
        "Which of the two counts cannot be told."
        "Both forms of the same amount"
    InvalidNumber "E11" "invalid-number" Fatal Some("8"), Some("6"), Some("5"), None, None;
        "No valid number"
        "The value is not a number as this element needs it."
        "A quantity or price cannot be guessed."
        "PO102 = ten"
    TooManyRepetitions "E12" "too-many-repetitions" Error Some("8"), Some("12"), Some("5"), None, None;
        "Element repeated too often"
        "The element is repeated more often than the segment allows."
        "Partners' systems have room for no more."
        "Two values in an element that has one"
    TooManyComponents "E13" "too-many-components" Error Some("8"), Some("13"), Some("5"), None, None;
        "More components than the composite has"
        "The composite has data beyond its last component."
        "A separator inside the data shifts everything after it."
        "Sixteen parts in C001"
    Padding "E14" "padding" Advice None, None, None, None, None;
        "Padded value"
        "The value ends with blanks beyond its least length. They are dropped on the canonical side."
        "X12 has them left out."
        "PO107 = `ABC-1   `"
    NotAscii "E15" "not-ascii" Advice None, None, None, None, None;
        "Characters outside ASCII"
        "The value has bytes that are not ASCII. They are kept exactly, and read as UTF-8, else as Latin-1."
        "X12 names no encoding, so the receiver has to guess it."
        "N102 = Café"
    LevelNumberInvalid "H01" "level-number" Fatal Some("8"), Some("7"), Some("5"), None, None;
        "Number of a level repeated or missing"
        "HL01 must be there and be used once in the set."
        "HL02 of the levels below refers to it."
        "Two HL with 3 in HL01"
    LevelParentUnknown "H02" "level-parent" Fatal Some("8"), Some("7"), Some("5"), None, None;
        "Parent level not found"
        "HL02 refers to a level that has not come before."
        "Without it, it cannot be told which order or carton the level belongs to."
        "HL*4*9*I~ where no level 9 is"
    LevelChildWrong "H03" "level-child" Warning Some("8"), Some("7"), Some("5"), None, None;
        "HL04 does not agree with the levels below"
        "HL04 says whether levels below follow, and it is otherwise."
        "Most senders get it wrong or leave it out; the tree is taken from HL02."
        "HL*2*1*O*0~ followed by its items"
    LevelUnknown "H04" "level-unknown" Warning Some("8"), Some("7"), Some("5"), None, None;
        "Level that the map does not know"
        "The map has no section for this kind of level, or the document has room for one of the kind and another one came. It is carried along unread."
        "What stands in it reaches nobody who reads the document by its fields."
        "HL*5*1*XX~"
    CountWrong "M01" "count-mismatch" Error Some("8"), Some("7"), Some("5"), None, None;
        "Total does not agree"
        "The count or sum that the document states is not what its lines give."
        "A line may have been lost on the way."
        "CTT*5~ after four lines"
    NotTranslatable "M02" "not-translatable" Fatal Some("8"), Some("7"), Some("5"), None, None;
        "Value cannot be translated"
        "The map cannot make a canonical value of this one."
        "Nothing is guessed: the document is held."
        "A qualifier without a value where a pair is needed"
    DelimiterInData "M03" "delimiter-in-data" Fatal Some("8"), Some("6"), Some("5"), None, None;
        "Delimiter inside data"
        "The value that is to be written holds one of the delimiters of the interchange, which X12 cannot escape."
        "Written as it is, it would split the element in two."
        "A description with a * in it"
    NotWritable "M04" "not-writable" Fatal Some("8"), Some("7"), Some("5"), None, None;
        "Canonical value cannot be written"
        "The map has no place for this value in the set, or the set cannot say it."
        "Left out silently, it would be lost."
        "A carton with lines of two orders in S/O/P/I"
    NotEncodable "M05" "not-encodable" Fatal Some("8"), Some("6"), Some("5"), None, None;
        "Character that the partner's encoding lacks"
        "The value has a character that the agreed character set cannot say."
        "It would arrive as another one, or as a question mark."
        "A name in Greek with Latin-1 agreed"
    AgreedSegmentMissing "R01" "agreed-segment-missing" Error Some("I8"), None, Some("5"), None, None;
        "Segment missing that was agreed on"
        "The agreement with the partner asks for this segment at this place, and it is not there. The grammar of the release leaves it open."
        "Partners charge back for what their guide asks for, whatever the standard says."
        "An 850 without REF*DP where the overlay says `require REF[DP]`"
    AgreedLoopMissing "R02" "agreed-loop-missing" Error Some("I7"), None, Some("5"), None, None;
        "Loop missing that was agreed on"
        "The agreement with the partner asks for this loop at this place, and it is not there. The grammar of the release leaves it open."
        "Partners charge back for what their guide asks for, whatever the standard says."
        "An 856 without a level P where the overlay says `require HL[P]`"
    AgreedElementMissing "R03" "agreed-element-missing" Error Some("8"), Some("1"), Some("5"), None, None;
        "Element missing that was agreed on"
        "The agreement with the partner asks for this element, and it is empty. The grammar of the release leaves it open."
        "Partners charge back for what their guide asks for, whatever the standard says."
        "N1*ST*Store~ where the overlay says `require N1[ST]/N104`"
    AgreedSegmentForbidden "R04" "agreed-segment-forbidden" Error Some("I4"), None, Some("5"), None, None;
        "Segment that was agreed not to be sent"
        "The agreement with the partner does not want this segment or loop at this place."
        "What is agreed not to be there is read by nobody, or refused."
        "An SAC in an 850 where the overlay says `forbid SAC`"
    AgreedElementForbidden "R05" "agreed-element-forbidden" Error Some("8"), Some("I10"), Some("5"), None, None;
        "Element that was agreed not to be sent"
        "The agreement with the partner does not want a value here."
        "What is agreed not to be there is read by nobody, or refused."
        "A value in PO104 where the overlay says `forbid PO1/PO104`"
    AgreedSegmentLimit "R06" "agreed-segment-limit" Error Some("5"), None, Some("5"), None, None;
        "Segment occurs more often than agreed"
        "The segment comes more often in its loop than the agreement with the partner allows."
        "The receiver may take the first one and drop the rest."
        "Two REF*DP where the overlay says `limit REF[DP] 1`"
    AgreedLoopLimit "R07" "agreed-loop-limit" Error Some("4"), None, Some("5"), None, None;
        "Loop occurs more often than agreed"
        "The loop comes more often than the agreement with the partner allows."
        "The receiver may take the first one and drop the rest."
        "Two N1*ST where the overlay says `limit N1[ST] 1`"
    AgreedTooShort "R08" "agreed-too-short" Error Some("8"), Some("4"), Some("5"), None, None;
        "Value shorter than agreed"
        "The value is shorter than the agreement with the partner allows."
        "Leading zeros that an export has dropped are the usual cause."
        "N104 = 12 where the overlay says `length N1[ST]/N104 4/4`"
    AgreedTooLong "R09" "agreed-too-long" Error Some("8"), Some("5"), Some("5"), None, None;
        "Value longer than agreed"
        "The value is longer than the agreement with the partner allows."
        "The receiver's field may cut it."
        "N104 = 000012 where the overlay says `length N1[ST]/N104 4/4`"
    AgreedType "R10" "agreed-type" Error Some("8"), Some("I12"), Some("5"), None, None;
        "Value not of the agreed type"
        "The value is not a number, date or time as the agreement with the partner asks for."
        "The receiver reads it as something else, or not at all."
        "PO101 = 1A where the overlay says `type PO1/PO101 N0`"
    AgreedCode "R11" "agreed-code" Error Some("8"), Some("I6"), Some("5"), None, None;
        "Code that was not agreed on"
        "The value is not among the codes that the agreement with the partner allows here."
        "A code that the other side does not use is read by nobody, or refused."
        "BEG01 = 01 where the overlay says `codes BEG01 00 05`"
    NotUnique "R12" "not-unique" Error Some("8"), Some("I12"), Some("5"), None, None;
        "Value that came before"
        "The agreement with the partner asks that no value comes twice here, and this one does."
        "Two cartons with one SSCC cannot be told apart at the dock."
        "The same SSCC in two MAN segments"
    CountDisagrees "R13" "count-disagrees" Error Some("8"), Some("7"), Some("5"), None, None;
        "Count does not agree with what is there"
        "The element states how many of something there are, as was agreed, and another number of them was found."
        "A line or carton may have been lost on the way."
        "CTT*3~ after four HL where the overlay says `count CTT01 = HL`"
    SumMismatch "R14" "sum-mismatch" Error Some("8"), Some("7"), Some("5"), None, None;
        "Sum does not agree with what is there"
        "The element states a sum, as was agreed, and the values that it is of give another one."
        "An invoice whose total is not that of its lines is not paid."
        "TDS*10000~ where the lines give 99.95"
    CheckDigit "R15" "check-digit" Error Some("8"), Some("I12"), Some("5"), None, None;
        "Check digit is wrong"
        "The last digit of the number is not the one that the others give, or it is no such number at all."
        "A digit was mistyped or lost: the number is that of something else, or of nothing."
        "An SSCC of 17 digits"
    HierarchyNotAgreed "R16" "hierarchy-not-agreed" Error Some("8"), Some("I6"), Some("5"), None, None;
        "Level not where it was agreed"
        "The level is not one of those that were agreed on, or stands below another one than was agreed."
        "Receivers read ship notices by the order of their levels."
        "An item directly below the order where packs were agreed"
    ExceedsOrder "R17" "exceeds-order" Error None, None, None, None, None;
        "More than was ordered"
        "The lines of an order item ship or bill more together than was ordered."
        "Overshipments are refused or charged back; overbilled invoices are not paid."
        "12 shipped of a line of 10"
    NotOnOrder "R18" "not-on-order" Error None, None, None, None, None;
        "Line that the order does not have"
        "What is shipped or billed is no line of the order."
        "Nobody expects it: it is refused or not paid."
        "An item number that the order does not name"
    DiffersFromOrder "R19" "differs-from-order" Error None, None, None, None, None;
        "Unit or price is not that of the order"
        "The line has another unit or price than the order."
        "Quantities in another unit cannot be compared; another price is disputed."
        "Billed at 4.95, ordered at 4.75"
    ExceedsShipment "R20" "exceeds-shipment" Error None, None, None, None, None;
        "More is billed than was shipped"
        "The lines of an order item bill more together than all shipments of the order have of it."
        "An invoice beyond its ship notice is not paid, or paid short; one that comes before it is refused."
        "12 billed of an item of which 10 were shipped"
    ItemNotMapped "X01" "item-not-mapped" Fatal None, None, None, None, None;
        "Item that the cross-reference lacks"
        "None of the numbers of the item stands in the partner's cross-reference of items."
        "A guess would ship the wrong goods: the document is held until the item is added."
        "upc 036000291452 is in no row of items.csv"
    ItemContradiction "X02" "item-contradiction" Fatal None, None, None, None, None;
        "Numbers of an item that contradict each other"
        "The cross-reference knows two numbers of one line, and they are two different items of ours."
        "One of them is wrong, and which cannot be told."
        "upc of the blue shirt, buyer's number of the red one"
    UnitNotMapped "X03" "unit-not-mapped" Fatal None, None, None, None, None;
        "Unit that the cross-reference lacks"
        "The unit of a quantity or price stands in no row of the partner's cross-reference of units, or none is named where some are converted."
        "Five of an unknown unit may be five or sixty pieces."
        "5 DZ, and units.csv has EA and CA only"
    UnitRemainder "X04" "unit-remainder" Fatal None, None, None, None, None;
        "Conversion of units that leaves a remainder"
        "The quantity or price cannot be told exactly in the other unit."
        "Nothing is rounded: pieces would get lost, or money."
        "30 each where a case is 12"
    PartyNotMapped "X05" "party-not-mapped" Fatal None, None, None, None, None;
        "Place or party that the cross-reference lacks"
        "The number of a place, store or company stands in no row of the partner's cross-reference."
        "Goods would go to the wrong place, or nowhere."
        "ship_to 0417, which is not in locations.csv"
    CarrierNotMapped "X06" "carrier-not-mapped" Fatal None, None, None, None, None;
        "Carrier that the cross-reference lacks"
        "The carrier, with its service, stands in no row of the partner's cross-reference."
        "The wrong service costs money or misses the date."
        "SCAC ABCD with service level 3D"
    TermsNotMapped "X07" "terms-not-mapped" Fatal None, None, None, None, None;
        "Terms that the cross-reference lacks"
        "The terms of payment stand in no row of the partner's cross-reference."
        "Invoices would fall due on the wrong day."
        "2% 10 NET 30 EOM"
    AckUnreadable "A01" "acknowledgement-unreadable" Error None, None, None, None, None;
        "Acknowledgement cannot be read"
        "The acknowledgement lacks what tells which group or set it answers."
        "The sent document stays open until it is matched."
        "A 997 without AK1"
}

impl Code {
    /// Its entry in the catalogue.
    #[must_use]
    pub fn entry(self) -> &'static Entry {
        &CATALOGUE[self as usize]
    }

    /// The whole catalogue, in order.
    #[must_use]
    pub fn all() -> &'static [Entry] {
        CATALOGUE
    }

    /// Finds an entry by `S03` or `segment-missing`, in any case.
    #[must_use]
    pub fn find(text: &str) -> Option<&'static Entry> {
        CATALOGUE
            .iter()
            .find(|e| e.id.eq_ignore_ascii_case(text) || e.name.eq_ignore_ascii_case(text))
    }
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.entry().id)
    }
}

impl serde::Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.entry().id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_finds_its_own_entry() {
        for entry in Code::all() {
            assert_eq!(entry.code.entry().id, entry.id);
            assert_eq!(Code::find(entry.id).map(|e| e.name), Some(entry.name), "{}", entry.id);
            assert_eq!(Code::find(entry.name).map(|e| e.id), Some(entry.id));
        }
    }
}
