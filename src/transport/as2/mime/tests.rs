use proptest::prelude::*;

use super::*;

fn read(text: &str) -> Result<Entity<'_>, Error> {
    Entity::read(text.as_bytes(), &Limits::default())
}

#[test]
fn a_header_is_read_with_either_line_end_and_unfolded() {
    for end in ["\r\n", "\n"] {
        let text = [
            "Content-Type: multipart/signed;",
            "\tmicalg=sha-256 ;",
            "  boundary=\"a;b\"",
            "",
            "body",
        ];
        let text = text.join(end);
        let entity = read(&text).unwrap();
        let kind = entity.headers.parameterized("content-TYPE");
        assert_eq!(kind.value, "multipart/signed");
        assert_eq!(kind.parameter("micalg").as_deref(), Some("sha-256"));
        assert_eq!(kind.parameter("boundary").as_deref(), Some("a;b"));
        assert_eq!(entity.body, b"body");
        assert_eq!([entity.head(), entity.body].concat(), entity.whole);
    }
}

#[test]
fn parameters_are_unquoted_uncommented_and_put_together() {
    let cases = [
        (r#"a; filename="we \"quote\"; so"(a comment; b=c)"#, "we \"quote\"; so"),
        ("a; filename*=utf-8'en'r%C3%A9sum%C3%A9.edi", "résumé.edi"),
        ("a; filename*0=one; filename*1=two", "onetwo"),
        ("a; filename*0*=utf-8''on%65; filename*1=two", "onetwo"),
        ("a; FileName = plain.edi", "plain.edi"),
        ("a; filename*=%zz", "%zz"),
    ];
    for (text, name) in cases {
        let value = Parameterized::read(text);
        assert_eq!(
            (value.value.as_str(), value.parameter("filename")),
            ("a", Some(name.into())),
            "{text}"
        );
    }
}

#[test]
fn what_is_no_header_is_refused() {
    let cases = [
        ("ISA*00*no header\r\n\r\n", Error::NotAField(1)),
        ("A: b\r\n c d\r\nnone\r\n\r\n", Error::NotAField(3)),
        ("Content-Type: a/b\nContent-Type: c/d\n\n", Error::Contradiction("Content-Type")),
    ];
    for (text, error) in cases {
        assert_eq!(read(text).unwrap_err(), error, "{text}");
    }
    let many = "A: b\r\n".repeat(10_000);
    assert_eq!(read(&many).unwrap_err(), Error::TooManyFields(200));
    let long = format!("A: {}\r\n\r\n", "b".repeat(70_000));
    assert_eq!(read(&long).unwrap_err(), Error::HeaderTooLong(65_536));
}

#[test]
fn parts_keep_their_exact_bytes() {
    let parts = |body: &str| {
        let cut =
            Parts::cut(body.as_bytes(), "b", &Limits::default()).map_err(|e| e.to_string())?;
        let parts: Vec<_> =
            cut.parts.iter().map(|p| std::str::from_utf8(p).unwrap().to_owned()).collect();
        Ok::<_, String>((parts, cut.closed))
    };
    let two = |closed| Ok((vec!["one\r\n".to_owned(), "two".to_owned()], closed));
    assert_eq!(parts("--b\r\none\r\n\r\n--b\r\ntwo\r\n--b--\r\n"), two(true));
    // A preamble, blanks behind the boundary, an epilogue, no line end at the end.
    assert_eq!(parts("pre\r\n--b \t\r\none\r\n\r\n--b\r\ntwo\r\n--b-- "), two(true));
    assert_eq!(parts("--b\none\r\n\n--b\ntwo\n--b--\nepilogue\n--b\nthree"), two(true));
    // A longer boundary, and one within a line, are none.
    let inner = "--bb\r\n --b\r\n--b-\r\nx--b";
    let text = format!("--b\r\n{inner}\r\n--b--");
    assert_eq!(parts(&text), Ok((vec![inner.to_owned()], true)));
    assert_eq!(parts("--b\r\none\r\n\r\n--b\r\ntwo"), two(false));
    assert_eq!(parts("--b\r\n--b\r\n--b--"), Ok((vec![String::new(); 2], true)));
    assert!(parts("--b--").is_err() && parts("nothing").is_err());
    assert!(parts(&"--b\n".repeat(1000)).unwrap_err().contains("more than 100 parts"));
}

#[test]
fn transfer_encodings_are_decoded() {
    let decoded = |encoding: &str, body: &str| {
        let text = format!("Content-Transfer-Encoding: {encoding}\r\n\r\n{body}");
        read(&text).unwrap().decoded().map(|bytes| String::from_utf8(bytes.into_owned()).unwrap())
    };
    assert_eq!(decoded("Base64", "SVN\r\nBKg=="), Ok("ISA*".into()));
    assert_eq!(decoded("base64", "SVNBKg"), Ok("ISA*".into()));
    assert_eq!(decoded("base64", "SV!B"), Err(Error::BadEncoding("base64")));
    assert_eq!(decoded("quoted-printable", "a=3Db =\r\nc  \r\nd"), Ok("a=b c\r\nd".into()));
    assert_eq!(decoded("quoted-printable", "a=3"), Err(Error::BadEncoding("quoted-printable")));
    assert_eq!(decoded("binary", "a\nb"), Ok("a\nb".into()));
    assert_eq!(decoded("x-uuencode", ""), Err(Error::UnknownEncoding("x-uuencode".into())));
}

#[test]
fn canonical_lines_end_in_crlf() {
    assert_eq!(canonical(b"a\r\nb\r\n"), None);
    assert_eq!(canonical(b"\na\n\r\nb").unwrap(), b"\r\na\r\n\r\nb");
}

proptest! {
    #[test]
    fn what_is_written_is_read(bodies in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 1..5)) {
        let parts: Vec<Vec<u8>> = bodies
            .iter()
            .map(|body| Part { headers: vec![("Content-Type", "a/b; name=\"x y\"".into())], body: body.clone() }.to_bytes())
            .collect();
        let slices: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        let whole = multipart("multipart/mixed", &slices).unwrap().to_bytes();
        let read = Entity::read(&whole, &Limits::default()).unwrap().parts(&Limits::default()).unwrap();
        prop_assert!(read.closed);
        prop_assert_eq!(&read.parts, &slices);
        let last = Entity::read(read.parts[0], &Limits::default()).unwrap();
        prop_assert_eq!(last.body, &bodies[0][..]);
        prop_assert_eq!(encoding::base64(&encoding::to_base64(&bodies[0])).unwrap(), &bodies[0][..]);
    }

    #[test]
    fn nothing_panics(bytes in prop::collection::vec(prop::sample::select(b"-b:\r\n \t=;\"(A3".to_vec()), 0..200)) {
        let limits = Limits::default();
        let _ = Parts::cut(&bytes, "b", &limits);
        if let Ok(entity) = Entity::read(&bytes, &limits) {
            let _ = entity.decoded();
        }
        let _ = TransferEncoding::QuotedPrintable.decode(&bytes);
        let text = String::from_utf8(bytes).unwrap();
        let _ = Parameterized::read(&text).parameter("a");
    }
}
