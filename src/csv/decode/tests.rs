use std::cell::Cell;
use std::rc::Rc;

use super::*;
use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;

#[derive(Default)]
struct Text(Vec<u8>);

impl TextSink for Text {
    fn push(&mut self, piece: &[u8]) -> Result<(), CsvError> {
        self.0.extend_from_slice(piece);
        Ok(())
    }
}

/// Returns the text of an upload that is pushed in pieces of `piece_bytes` bytes.
fn text_of(upload: &[u8], piece_bytes: usize) -> Result<String, CsvError> {
    let mut decoder = TextDecoder::new(Text::default(), u64::MAX);
    for piece in upload.chunks(piece_bytes) {
        decoder.push(piece)?;
    }
    Ok(String::from_utf8(decoder.finish()?.0).unwrap())
}

#[test]
fn only_the_first_byte_order_mark_is_left_out() {
    for upload in [
        b"\xef\xbb\xbf\xef\xbb\xbfab".as_slice(),
        b"\xff\xfe\xff\xfea\0b\0",
        b"\xfe\xff\xfe\xff\0a\0b",
    ] {
        for piece_bytes in 1..=upload.len() {
            assert_eq!(text_of(upload, piece_bytes).unwrap(), "\u{feff}ab");
        }
    }
}

/// Counts the bytes of text that were pushed since the last step.
#[derive(Default)]
struct Step(Rc<Cell<usize>>);

impl TextSink for Step {
    fn push(&mut self, piece: &[u8]) -> Result<(), CsvError> {
        self.0.update(|bytes| bytes + piece.len());
        Ok(())
    }
}

#[test]
fn a_step_makes_a_bounded_amount_of_text() {
    const TEXT_BYTES: usize = 4 * 1024 * 1024;
    // The first bytes of the text are kept until its format is known.
    const MAX_BYTES: usize = STEP_BYTES + SNIFFED_BYTES;
    let text = vec![b' '; TEXT_BYTES];
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(&text).unwrap();
    for upload in [gzip.finish().unwrap(), text] {
        let bytes = Rc::new(Cell::new(0));
        let mut decoder = TextDecoder::new(Step(bytes.clone()), u64::MAX);
        let (mut rest, mut all_bytes) = (upload.as_slice(), 0);
        while !rest.is_empty() {
            rest = decoder.push_step(rest).unwrap();
            assert!(bytes.get() <= MAX_BYTES, "{} bytes", bytes.get());
            all_bytes += bytes.take();
        }
        decoder.finish().unwrap();
        assert_eq!(all_bytes + bytes.get(), TEXT_BYTES);
        assert!(bytes.get() <= MAX_BYTES, "{} bytes", bytes.get());
    }
}

/// Generates code units other than NUL. Surrogates are frequent, so that surrogate pairs occur often.
fn units() -> impl Strategy<Value = Vec<u16>> {
    let unit = prop_oneof![
        1..=u16::MAX,
        0xd7fe..0xe002u16,
        0xd800..0xd802u16,
        0xdc00..0xdc02u16,
        0x20..0x7fu16
    ];
    prop::collection::vec(unit, 0..6)
}

proptest! {
    #[test]
    fn utf_16_is_read_as_the_standard_library_reads_it_or_refused(
        units in units(), is_cut in any::<bool>(), piece_bytes in 1..7usize
    ) {
        // Starts with a byte order mark, and with enough text that no unit after it looks like another
        // format.
        let units: Vec<u16> = "\u{feff}abc".encode_utf16().chain(units).collect();
        let expected = String::from_utf16(&units).ok().filter(|_| !is_cut);
        let expected = expected.map(|text| text.trim_start_matches('\u{feff}').to_owned());
        let orders: [fn(u16) -> [u8; 2]; 2] = [u16::to_le_bytes, u16::to_be_bytes];
        for bytes_of in orders {
            let mut upload: Vec<u8> = units.iter().copied().flat_map(bytes_of).collect();
            upload.truncate(upload.len() - usize::from(is_cut));
            match text_of(&upload, piece_bytes) {
                Ok(text) => prop_assert_eq!(Some(text), expected.clone()),
                Err(err) => {
                    prop_assert_eq!(err, CsvError::DamagedUtf16);
                    prop_assert_eq!(&expected, &None);
                }
            }
        }
    }
}

#[test]
fn long_utf_16_is_read_whole() {
    let text = "é𝄞€a".repeat(UTF16_TEXT_BYTES);
    let mut upload = vec![0xff, 0xfe];
    upload.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
    for piece_bytes in [4097, upload.len()] {
        assert!(text_of(&upload, piece_bytes).unwrap() == text);
    }
}

#[test]
fn a_refused_sink_is_not_asked_again() {
    use std::cell::Cell;

    struct Refusing<'a>(&'a Cell<u32>);
    impl TextSink for Refusing<'_> {
        fn push(&mut self, _: &[u8]) -> Result<(), CsvError> {
            self.0.set(self.0.get() + 1);
            Err(CsvError::Stopped)
        }
    }

    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&vec![b'a'; 1 << 20]).unwrap();
    let gzip = gzip.finish().unwrap();
    for upload in [gzip.as_slice(), &[b'a'; 1 << 13]] {
        let pushed = Cell::new(0);
        let mut decoder = TextDecoder::new(Refusing(&pushed), u64::MAX);
        assert_eq!(decoder.push(upload), Err(CsvError::Stopped));
        drop(decoder);
        assert_eq!(pushed.get(), 1);
    }
}
