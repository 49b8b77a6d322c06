use crossdock::x12::*;
use std::time::Instant;
fn main() {
    let mut text = String::new();
    let mut n = 0;
    let mut isa = 0;
    while text.len() < 50_000_000 {
        isa += 1;
        text.push_str(&format!("ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       *261121*0915*U*00401*{isa:09}*0*P*>~GS*PO*SENDER*RECEIVER*20261121*0915*{isa}*X*004010~"));
        for s in 1..=100 {
            n += 1;
            text.push_str(&format!("ST*850*{s:04}~BEG*00*SA*PO{n:08}**20261121~REF*DP*0{}~DTM*010*20261130~N1*ST*STORE {}*92*{}~N3*12 MAIN STREET~N4*BENTONVILLE*AR*72712*US~", s % 90 + 10, s, 1000 + s));
            for l in 1..=20 {
                text.push_str(&format!("PO1*{l}*{}*EA*{}.50**UP*0123456789{:02}*VN*SKU-{l:04}~PID*F****COTTON SHIRT SIZE {l}~", l * 3, l + 4, l));
            }
            text.push_str(&format!("CTT*20~SE*{}*{s:04}~", 7 + 40 + 2));
        }
        text.push_str(&format!("GE*100*{isa}~IEA*1*{isa:09}~"));
    }
    let bytes = text.as_bytes();
    let mb = bytes.len() as f64 / 1e6;
    if let Some(mode) = std::env::args().nth(1) {
        for _ in 0..10 {
            if mode == "base" {
                let mut rest = bytes;
                let mut els = 0;
                while let Some((r, e, _)) = one(rest) {
                    els += e.len();
                    rest = r;
                }
                std::hint::black_box(els);
            } else if mode == "read" || mode == "els" {
                let mut r = Reader::of_slice(bytes, Limits::default());
                let mut n = 0;
                while let Some(e) = r.next().unwrap() {
                    if let Event::Set(s) = e {
                        if mode == "read" {
                            n += s.segments.len();
                        } else {
                            for seg in s.segments.iter() {
                                for el in seg.elements() {
                                    n += el.len();
                                }
                            }
                        }
                    }
                }
                std::hint::black_box(n);
            } else if mode == "check" {
                check(bytes, mb);
            }
        }
        return;
    }
    check(bytes, mb);
    for _ in 0..2 {
        let t = Instant::now();
        let (mut segs, mut els, mut sum) = (0usize, 0usize, 0usize);
        let mut rest = bytes;
        while !rest.is_empty() {
            let (r, seg) = baseline_segment(rest);
            segs += 1;
            let mut e = seg;
            loop {
                let (r2, el) = baseline_element(e);
                els += 1;
                sum += el.len();
                if r2.is_empty() {
                    break;
                }
                e = &r2[1..];
            }
            rest = r;
        }
        let base = t.elapsed().as_secs_f64();
        println!("baseline {:.0} MB/s {segs} {els} {sum}", mb / base);
        let t = Instant::now();
        let (mut segs, mut els, mut sum) = (0u64, 0u64, 0u64);
        let mut rest = bytes;
        while let Some((r, e, d)) = one(rest) {
            els += 1;
            sum += e.len() as u64;
            segs += u64::from(d == b"~");
            rest = r;
        }
        let b2 = t.elapsed().as_secs_f64();
        println!("baseline2 {:.0} MB/s {segs} {els} {sum}", mb / b2);
        let t = Instant::now();
        let mut r = Reader::of_slice(bytes, Limits::default());
        let mut segs = 0;
        while let Some(e) = r.next().unwrap() {
            if let Event::Set(s) = e {
                segs += s.segments.len();
            }
        }
        println!("reader only {:.0} MB/s {segs}", mb / t.elapsed().as_secs_f64());
        let t = Instant::now();
        let mut r = Reader::of_slice(bytes, Limits::default());
        let (mut segs, mut els, mut sum, mut faults) = (0usize, 0usize, 0usize, 0);
        while let Some(e) = r.next().unwrap() {
            if let Event::Set(s) = e {
                faults += s.faults.len();
                for seg in s.segments.iter() {
                    segs += 1;
                    sum += seg.id().len();
                    els += 1;
                    for el in seg.elements() {
                        els += 1;
                        sum += el.len();
                    }
                }
            }
        }
        let d = t.elapsed().as_secs_f64();
        println!(
            "reader {:.0} MB/s ratio {:.2} {segs} {els} {sum} faults {faults}",
            mb / d,
            base / d
        );
    }
}
fn check(bytes: &[u8], mb: f64) {
    use crossdock::grammar::*;
    let lib = Library::embedded();
    let c = Checker::new(lib.grammar("850", "004010").unwrap().clone());
    let (mut scratch, mut tree, mut f) =
        (Scratch::default(), Tree::default(), crossdock::findings::Findings::default());
    for _ in 0..3 {
        let t = Instant::now();
        let mut r = Reader::of_slice(bytes, Limits::default());
        while let Some(e) = r.next().unwrap() {
            if let Event::Set(s) = e {
                c.check(&s.segments, &mut scratch, &mut tree, &mut f);
            }
        }
        println!(
            "check {:.0} MB/s findings {}",
            mb / t.elapsed().as_secs_f64(),
            f.as_slice().len()
        );
        if let Some(x) = f.as_slice().first() {
            println!("{x:?}");
        }
        f.clear();
    }
}
fn baseline_segment(i: &[u8]) -> (&[u8], &[u8]) {
    use nom::Parser;
    let (r, s) =
        nom::bytes::complete::take_till::<_, _, nom::error::Error<&[u8]>>(|b: u8| b == b'~')
            .parse(i)
            .unwrap();
    (&r[1..], s)
}
fn baseline_element(i: &[u8]) -> (&[u8], &[u8]) {
    use nom::Parser;
    let (r, s) =
        nom::bytes::complete::take_till::<_, _, nom::error::Error<&[u8]>>(|b: u8| b == b'*')
            .parse(i)
            .unwrap();
    (r, s)
}

fn one(i: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    use nom::IResult;
    use nom::bytes::complete::{take, take_till};
    fn el(input: &[u8]) -> IResult<&[u8], (&[u8], &[u8])> {
        let (input, element) = take_till(|b| b == b'*' || b == b'~')(input)?;
        let (input, delimiter) = take(1usize)(input)?;
        Ok((input, (element, delimiter)))
    }
    el(i).ok().map(|(r, (e, d))| (r, e, d))
}
