//! Makes large X12 files of realistic shape: the same bytes for the same arguments, on every machine.
//!
//! Purchase orders and ship notices as retailers send them: parties with addresses, lines with item pairs, a
//! description, now and then an allowance or a store allocation; shipments of orders, cartons with their SSCC, and
//! items. Sets have a few hundred bytes to about 40 KB, a hundred of them a group. Everything is valid.

use std::io::{self, Write};

/// Transaction sets in a group.
const SETS_IN_GROUP: u32 = 100;

/// What kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// 850, release 004010.
    PurchaseOrders,
    /// 856, release 004010, shipment / order / pack / item.
    ShipNotices,
}

impl Kind {
    fn codes(self) -> (&'static str, &'static str) {
        match self {
            Self::PurchaseOrders => ("850", "PO"),
            Self::ShipNotices => ("856", "SH"),
        }
    }
}

/// Writes one interchange of at least `bytes_min` bytes, complete to its IEA; at most one set more.
///
/// # Errors
/// What the output reports.
pub fn write(kind: Kind, bytes_min: u64, out: &mut dyn Write) -> io::Result<u64> {
    let (set, functional_group) = kind.codes();
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let mut body = Body::default();
    let mut written = 0;
    let isa = "ISA*00*          *00*          *ZZ*HARBORANDPINE  *ZZ*COASTALGOODS   *260203*1405*U*00401*000000001*0*T*>~";
    written += emit(out, isa.as_bytes())?;
    let (mut groups, mut set_number) = (0u32, 0u32);
    while written < bytes_min {
        groups += 1;
        let header = format!(
            "GS*{functional_group}*HARBORANDPINE*COASTALGOODS*20260203*1405*{groups}*X*004010~"
        );
        written += emit(out, header.as_bytes())?;
        let mut sets = 0u32;
        while sets < SETS_IN_GROUP && written < bytes_min {
            sets += 1;
            set_number += 1;
            body.begin(set, sets);
            match kind {
                Kind::PurchaseOrders => purchase_order(&mut body, &mut random, set_number),
                Kind::ShipNotices => ship_notice(&mut body, &mut random, set_number),
            }
            written += emit(out, body.finish(sets))?;
        }
        written += emit(out, format!("GE*{sets}*{groups}~").as_bytes())?;
    }
    written += emit(out, format!("IEA*{groups}*000000001~").as_bytes())?;
    Ok(written)
}

fn emit(out: &mut dyn Write, bytes: &[u8]) -> io::Result<u64> {
    out.write_all(bytes)?;
    Ok(bytes.len() as u64)
}

/// The segments of one set, counted.
#[derive(Default)]
struct Body {
    bytes: Vec<u8>,
    segments: u32,
}

impl Body {
    fn begin(&mut self, set: &str, number: u32) {
        self.bytes.clear();
        self.segments = 0;
        self.segment(format_args!("ST*{set}*{number:04}"));
    }

    fn segment(&mut self, segment: std::fmt::Arguments<'_>) {
        // A vector takes whatever is written to it.
        let _ = write!(self.bytes, "{segment}~");
        self.segments += 1;
    }

    fn finish(&mut self, number: u32) -> &[u8] {
        self.segment(format_args!("SE*{}*{number:04}", self.segments + 1));
        &self.bytes
    }
}

/// Marsaglia's xorshift: small, fast, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// True once in `n` times.
    fn once_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    fn pick<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[usize::try_from(self.below(words.len() as u64)).unwrap_or_default()]
    }

    /// Mostly small, now and then large: 1 to about `most`.
    fn skewed(&mut self, most: u64) -> u64 {
        let limit = match self.below(20) {
            0 => most,
            1..=4 => most / 4,
            _ => most / 16,
        };
        1 + self.below(limit.max(1))
    }
}

const STREETS: &[&str] = &[
    "1200 HARBOR WAY",
    "45 MILL ROAD",
    "9 QUAY STREET SUITE 400",
    "7731 INDUSTRIAL PKWY",
    "300 ORCHARD LANE",
];
const CITIES: &[&str] = &[
    "PORTLAND*OR*97201",
    "SAVANNAH*GA*31401",
    "DULUTH*MN*55802",
    "RENO*NV*89501",
    "ALBANY*NY*12207",
];
const NAMES: &[&str] = &[
    "HARBOR AND PINE DC 7",
    "COASTAL GOODS INC",
    "NORTHERN FREIGHT HUB",
    "STORE 0412",
    "RIVERSIDE CROSSDOCK",
];
const GOODS: &[&str] = &[
    "CANVAS TOTE NATURAL",
    "ENAMEL MUG 12 OZ",
    "WOOL THROW GREY 50X60",
    "CAST IRON SKILLET 10 IN",
    "LINEN NAPKIN SET OF 4",
    "STONEWARE BOWL",
];
const UNITS: &[&str] = &["EA", "EA", "EA", "CA", "PK"];
const CARRIERS: &[&str] = &["ABFS", "UPSN", "FDEG", "ODFL"];

fn party(body: &mut Body, random: &mut Random, qualifier: &str) {
    let (name, store) = (random.pick(NAMES), random.below(9000) + 1000);
    body.segment(format_args!("N1*{qualifier}*{name}*92*{store}"));
    if !random.once_in(4) {
        body.segment(format_args!("N3*{}", random.pick(STREETS)));
        body.segment(format_args!("N4*{}*US", random.pick(CITIES)));
    }
}

/// A date of 2026 as CCYYMMDD.
fn date(random: &mut Random) -> String {
    format!("2026{:02}{:02}", 1 + random.below(12), 1 + random.below(28))
}

/// Twelve digits of a UPC, the last the check digit.
fn upc(random: &mut Random) -> String {
    with_check_digit(format!("{:011}", random.below(100_000_000_000)))
}

/// A GS1 number with its check digit: weights 3 and 1 from the right.
fn with_check_digit(mut digits: String) -> String {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(i, b)| u32::from(b - b'0') * if i % 2 == 0 { 3 } else { 1 })
        .sum();
    digits.push(char::from(b'0' + u8::try_from((10 - sum % 10) % 10).unwrap_or_default()));
    digits
}

fn purchase_order(body: &mut Body, random: &mut Random, number: u32) {
    body.segment(format_args!(
        "BEG*00*{}*PO{number:08}**{}",
        random.pick(&["SA", "SA", "DS"]),
        date(random)
    ));
    body.segment(format_args!("REF*DP*{:03}", random.below(900) + 100));
    if random.once_in(2) {
        body.segment(format_args!("REF*IA*{:06}", random.below(900_000) + 100_000));
    }
    body.segment(format_args!("PER*BD*J RIVERA*TE*503555{:04}", random.below(10_000)));
    body.segment(format_args!("FOB*{}", random.pick(&["PP", "CC"])));
    if random.once_in(3) {
        body.segment(format_args!(
            "SAC*A*C310***{}*Z*{}.5*****02",
            random.below(90_000) + 1000,
            random.below(9) + 1
        ));
    }
    body.segment(format_args!("ITD*01*3*2**10**30"));
    body.segment(format_args!("DTM*010*{}", date(random)));
    body.segment(format_args!("DTM*001*{}", date(random)));
    body.segment(format_args!("TD5**2*{}*M*GROUND", random.pick(CARRIERS)));
    if random.once_in(5) {
        body.segment(format_args!("N9*L1*{number}*SPECIAL INSTRUCTIONS"));
        body.segment(format_args!("MSG*DELIVER TO DOCK {} BEFORE NOON", random.below(40) + 1));
    }
    for qualifier in ["ST", "BT"] {
        party(body, random, qualifier);
    }
    let lines = random.skewed(260);
    for line in 1..=lines {
        order_line(body, random, line);
    }
    body.segment(format_args!("CTT*{lines}"));
}

fn order_line(body: &mut Body, random: &mut Random, line: u64) {
    let (quantity, unit, upc) = (random.below(480) + 1, random.pick(UNITS), upc(random));
    let (dollars, cents) = (random.below(200) + 1, random.below(100));
    let item = random.below(900_000) + 100_000;
    if random.once_in(3) {
        body.segment(format_args!(
            "PO1*{line}*{quantity}*{unit}*{dollars}.{cents:02}*WE*UP*{upc}*VN*CG-{item}*IN*{}",
            item / 7
        ));
    } else {
        body.segment(format_args!(
            "PO1*{line}*{quantity}*{unit}*{dollars}.{cents:02}**UP*{upc}*VN*CG-{item}"
        ));
    }
    if random.once_in(3) {
        body.segment(format_args!("CTP**RTL*{}.99", dollars * 2));
    }
    body.segment(format_args!("PID*F*08***{}", random.pick(GOODS)));
    if random.once_in(2) {
        body.segment(format_args!("PO4*{}*1*EA", random.below(24) + 1));
    }
    if random.once_in(12) {
        body.segment(format_args!("SAC*C*D240***{}", random.below(5000) + 100));
    }
    if random.once_in(8) {
        let store = random.below(8000) + 1000;
        body.segment(format_args!(
            "SDQ*{unit}*92*{store}*{}*{}*{}*{}*{}",
            quantity,
            store + 1,
            2,
            store + 2,
            5
        ));
    }
}

fn ship_notice(body: &mut Body, random: &mut Random, number: u32) {
    body.segment(format_args!(
        "BSN*00*SH{number:08}*{}*{:02}{:02}*0001",
        date(random),
        random.below(24),
        random.below(60)
    ));
    let mut level = 1u64;
    body.segment(format_args!("HL*1**S*1"));
    let cartons_all = random.skewed(200);
    body.segment(format_args!(
        "TD1*CTN25*{cartons_all}****G*{}.{}*LB",
        random.below(4000) + 10,
        random.below(10)
    ));
    body.segment(format_args!("TD5*B*2*{}*M", random.pick(CARRIERS)));
    body.segment(format_args!("TD3*TL**{}", random.below(900_000) + 100_000));
    body.segment(format_args!("REF*BM*{:010}", random.below(10_000_000_000)));
    body.segment(format_args!("REF*CN*1Z{:012}", random.below(1_000_000_000_000)));
    body.segment(format_args!("DTM*011*{}*1530", date(random)));
    body.segment(format_args!("FOB*PP"));
    for qualifier in ["SF", "ST"] {
        party(body, random, qualifier);
    }
    let mut left = cartons_all;
    while left > 0 {
        level += 1;
        let order = level;
        body.segment(format_args!("HL*{order}*1*O*1"));
        body.segment(format_args!("PRF*PO{:08}***{}", random.below(100_000_000), date(random)));
        body.segment(format_args!("REF*IA*{:06}", random.below(900_000) + 100_000));
        let cartons = left.min(1 + random.below(40));
        left -= cartons;
        for _ in 0..cartons {
            carton(body, random, &mut level, order);
        }
    }
    body.segment(format_args!("CTT*{level}"));
}

fn carton(body: &mut Body, random: &mut Random, level: &mut u64, order: u64) {
    *level += 1;
    let pack = *level;
    let sscc = with_check_digit(format!("00{:015}", random.below(1_000_000_000_000_000)));
    body.segment(format_args!("HL*{pack}*{order}*P*1"));
    body.segment(format_args!("MAN*GM*00{sscc}"));
    for _ in 0..=random.below(2) {
        *level += 1;
        body.segment(format_args!("HL*{level}*{pack}*I*0"));
        body.segment(format_args!(
            "LIN**UP*{}*VN*CG-{}",
            upc(random),
            random.below(900_000) + 100_000
        ));
        body.segment(format_args!("SN1**{}*{}", random.below(48) + 1, random.pick(UNITS)));
        if random.once_in(4) {
            body.segment(format_args!("PID*F*08***{}", random.pick(GOODS)));
        }
    }
}
