//! In which encoding a file is. Everything else in this connector sees UTF-8: a file of another
//! encoding is decoded as it is read and encoded again as it is written, so that it stays what it
//! was.
//!
//! A byte order mark says it without a setting. Without either a file is UTF-8, and one that is not
//! is refused whole (R8): what a name in another encoding would become is a guess.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

/// An encoding that is read and written back byte for byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Encoding {
    #[default]
    Utf8,
    Utf16 {
        big_endian: bool,
    },
    /// ISO-8859-1 proper: every byte is the character of that number.
    Latin1,
    /// One byte a character: Windows-1252 and its like.
    SingleByte(&'static encoding_rs::Encoding),
}

/// Bytes read at once from a file that is decoded.
const CHUNK_BYTES: usize = 64 << 10;

impl Encoding {
    /// The encoding of this name; `Err` says which names there are.
    pub(super) fn named(name: &str) -> Result<Encoding, String> {
        let plain: String = name.trim().to_ascii_lowercase().replace(['_', ' '], "-");
        match plain.as_str() {
            "utf-8" | "utf8" => return Ok(Encoding::Utf8),
            "utf-16" | "utf16" | "utf-16le" | "utf16le" | "utf-16-le" => {
                return Ok(Encoding::Utf16 { big_endian: false });
            }
            "utf-16be" | "utf16be" | "utf-16-be" => {
                return Ok(Encoding::Utf16 { big_endian: true });
            }
            "iso-8859-1" | "iso8859-1" | "latin1" | "latin-1" => return Ok(Encoding::Latin1),
            _ => {}
        }
        match encoding_rs::Encoding::for_label(plain.as_bytes()) {
            Some(known) if known.is_single_byte() && known != encoding_rs::X_USER_DEFINED => {
                Ok(Encoding::SingleByte(known))
            }
            _ => Err(format!(
                "`encoding: {name}` is none that files are read and written back in: utf-8, utf-16le, utf-16be, windows-1252, iso-8859-1 \
                 and other encodings with one byte a character (windows-1250, iso-8859-15, …) are"
            )),
        }
    }

    /// What a byte order mark at the start of a file says; nothing for that of UTF-8, which is
    /// skipped elsewhere.
    fn of_mark(start: &[u8]) -> Option<Encoding> {
        match start {
            [0xFF, 0xFE, ..] => Some(Encoding::Utf16 { big_endian: false }),
            [0xFE, 0xFF, ..] => Some(Encoding::Utf16 { big_endian: true }),
            [0xEF, 0xBB, 0xBF, ..] => Some(Encoding::Utf8),
            _ => None,
        }
    }

    /// Its name, as the setting gives it.
    pub(super) fn name(self) -> String {
        match self {
            Encoding::Utf8 => "utf-8".into(),
            Encoding::Utf16 { big_endian: false } => "utf-16le".into(),
            Encoding::Utf16 { big_endian: true } => "utf-16be".into(),
            Encoding::Latin1 => "iso-8859-1".into(),
            Encoding::SingleByte(known) => known.name().to_ascii_lowercase(),
        }
    }

    /// The first character of a text that can't be written in this encoding.
    pub(super) fn lacks(self, text: &str) -> Option<char> {
        match self {
            Encoding::Utf8 | Encoding::Utf16 { .. } => None,
            _ if text.is_ascii() => None,
            Encoding::Latin1 => text.chars().find(|c| u32::from(*c) > 0xFF),
            Encoding::SingleByte(known) => {
                text.chars().find(|c| known.encode(c.encode_utf8(&mut [0; 4])).2)
            }
        }
    }

    /// Bytes of UTF-8 in this encoding. They are what was decoded or looked at by
    /// [`Encoding::lacks`], so nothing is lost.
    pub(super) fn encode(self, utf8: &[u8]) -> io::Result<std::borrow::Cow<'_, [u8]>> {
        use std::borrow::Cow;
        if self == Encoding::Utf8 {
            return Ok(Cow::Borrowed(utf8));
        }
        let broken =
            |_| io::Error::new(io::ErrorKind::InvalidData, "what is to be written is no text");
        let text = std::str::from_utf8(utf8).map_err(broken)?;
        if let Some(lacking) = self.lacks(text) {
            let message = format!("{lacking:?} can't be written in {}", self.name());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        Ok(match self {
            Encoding::Utf8 => Cow::Borrowed(utf8),
            Encoding::Utf16 { big_endian } => {
                let unit =
                    |unit: u16| if big_endian { unit.to_be_bytes() } else { unit.to_le_bytes() };
                Cow::Owned(text.encode_utf16().flat_map(unit).collect())
            }
            Encoding::Latin1 => Cow::Owned(text.chars().map(|c| u32::from(c) as u8).collect()),
            Encoding::SingleByte(known) => known.encode(text).0,
        })
    }
}

/// What rows are read from: a file, decoded where it is not UTF-8.
pub(super) struct Source {
    file: File,
    encoding: Encoding,
    /// Decoded and not handed out yet.
    decoded: Vec<u8>,
    handed: usize,
    /// Bytes of a character that has not come whole yet.
    rest: Vec<u8>,
    /// Bytes of the file that were decoded.
    at: u64,
}

impl Source {
    /// A file from its start, in the encoding that its mark says, else in the one given.
    pub(super) fn new(mut file: File, given: Encoding) -> io::Result<Source> {
        let mut start = Vec::with_capacity(4);
        file.by_ref().take(4).read_to_end(&mut start)?;
        file.seek(SeekFrom::Start(0))?;
        let encoding = Encoding::of_mark(&start).unwrap_or(given);
        Ok(Source { file, encoding, decoded: Vec::new(), handed: 0, rest: Vec::new(), at: 0 })
    }

    pub(super) fn file(&self) -> &File {
        &self.file
    }

    pub(super) fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Back to the start of the file.
    pub(super) fn rewind(&mut self) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(0))?;
        self.decoded.clear();
        self.rest.clear();
        (self.handed, self.at) = (0, 0);
        Ok(())
    }

    /// To a place in the text, in bytes of UTF-8. A file that is decoded is read up to there.
    pub(super) fn skip_to(&mut self, place: u64) -> io::Result<()> {
        if self.encoding == Encoding::Utf8 {
            self.file.seek(SeekFrom::Start(place))?;
            return Ok(());
        }
        self.rewind()?;
        io::copy(&mut self.by_ref().take(place), &mut io::sink())?;
        Ok(())
    }

    /// Decodes the next part; gives whether the file has ended.
    fn decode_more(&mut self) -> io::Result<bool> {
        let mut bytes = std::mem::take(&mut self.rest);
        let before = bytes.len();
        self.file.by_ref().take(CHUNK_BYTES as u64).read_to_end(&mut bytes)?;
        let ends = bytes.len() == before;
        self.decoded.clear();
        self.handed = 0;
        let wrong = |at: u64, what: &str, name: String| {
            let message = format!(
                "{what} at byte {at} is no {name}: say which encoding it is with `encoding:`, or save it as UTF-8"
            );
            Err(io::Error::new(io::ErrorKind::InvalidData, message))
        };
        let (at, name) = (self.at, self.encoding.name());
        match self.encoding {
            Encoding::Utf8 => self.decoded = bytes,
            Encoding::Latin1 => {
                self.at += bytes.len() as u64;
                self.decoded.extend(
                    bytes.iter().map(|byte| char::from(*byte)).collect::<String>().as_bytes(),
                );
            }
            Encoding::SingleByte(known) => {
                let Some(text) = known.decode_without_bom_handling_and_without_replacement(&bytes)
                else {
                    let broken = |byte: &u8| {
                        known
                            .decode_without_bom_handling_and_without_replacement(&[*byte])
                            .is_none()
                    };
                    let place = bytes.iter().position(broken).unwrap_or(0);
                    return wrong(at + place as u64, &format!("0x{:02X}", bytes[place]), name);
                };
                self.at += bytes.len() as u64;
                self.decoded.extend_from_slice(text.as_bytes());
            }
            Encoding::Utf16 { big_endian } => {
                let (pairs, odd) = bytes.as_chunks::<2>();
                let units = pairs.iter().map(|pair| {
                    if big_endian { u16::from_be_bytes(*pair) } else { u16::from_le_bytes(*pair) }
                });
                let mut units: Vec<u16> = units.collect();
                let mut rest = odd.to_vec();
                // The first half of a pair waits for the second.
                if !ends && units.last().is_some_and(|unit| (0xD800..0xDC00).contains(unit)) {
                    units.pop();
                    rest.splice(0..0, pairs[pairs.len() - 1]);
                }
                if ends && !rest.is_empty() {
                    return wrong(at + bytes.len() as u64, "half a character", name);
                }
                let mut text = String::with_capacity(units.len() * 2);
                let mut place = 0;
                for c in char::decode_utf16(units) {
                    let Ok(c) = c else { return wrong(at + place, "half a character", name) };
                    place += c.len_utf16() as u64 * 2;
                    text.push(c);
                }
                self.at += place;
                self.rest = rest;
                self.decoded.extend_from_slice(text.as_bytes());
            }
        }
        Ok(ends)
    }
}

impl Read for Source {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.encoding == Encoding::Utf8 {
            return self.file.read(into);
        }
        while self.handed == self.decoded.len() {
            if self.decode_more()? {
                break;
            }
        }
        let ready = &self.decoded[self.handed..];
        let many = ready.len().min(into.len());
        into[..many].copy_from_slice(&ready[..many]);
        self.handed += many;
        Ok(many)
    }
}

/// What bytes that are no UTF-8 most likely are: for the message.
pub(super) fn likely(bytes: &[u8]) -> &'static str {
    let zeros = |from: usize| bytes.iter().skip(from).step_by(2).filter(|byte| **byte == 0).count();
    if zeros(1) > bytes.len() / 8 {
        "utf-16le"
    } else if zeros(0) > bytes.len() / 8 {
        "utf-16be"
    } else {
        "windows-1252"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn decoded(bytes: &[u8], given: Encoding) -> io::Result<String> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file.seek(SeekFrom::Start(0)).unwrap();
        let mut text = String::new();
        Source::new(file, given)?.read_to_string(&mut text)?;
        Ok(text)
    }

    #[test]
    fn what_is_decoded_and_encoded_again_is_the_same_to_the_byte() {
        let every_byte: Vec<u8> = (0..=255).collect();
        for name in ["windows-1252", "iso-8859-1", "iso-8859-15"] {
            let encoding = Encoding::named(name).unwrap();
            let text = decoded(&every_byte, encoding).unwrap();
            assert_eq!(encoding.encode(text.as_bytes()).unwrap(), every_byte, "{name}");
        }
        let long = "Åse, Ørjan 😀\r\n".repeat(20_000);
        for name in ["utf-16le", "utf-16be"] {
            let encoding = Encoding::named(name).unwrap();
            let bytes = encoding.encode(long.as_bytes()).unwrap().into_owned();
            assert!(decoded(&bytes, encoding).unwrap() == long, "{name}");
            assert!(
                decoded(&bytes[..bytes.len() - 1], encoding).is_err(),
                "half a character at the end"
            );
        }
    }

    #[test]
    fn a_mark_says_the_encoding_and_a_name_that_is_none_is_refused() {
        let le = [
            &[0xFF, 0xFE][..],
            &Encoding::Utf16 { big_endian: false }.encode("Å".as_bytes()).unwrap(),
        ]
        .concat();
        assert_eq!(decoded(&le, Encoding::Utf8).unwrap(), "\u{feff}Å");
        assert_eq!(Encoding::named("Latin1"), Ok(Encoding::Latin1));
        assert_eq!(Encoding::named("Windows-1252").unwrap().lacks("Åse Łuk"), Some('Ł'));
        assert_eq!(Encoding::Latin1.lacks("10 €"), Some('€'));
        for none in ["utf-7", "shift_jis", "wtf", ""] {
            assert!(Encoding::named(none).is_err(), "{none}");
        }
        assert_eq!(
            (likely(b"i\0d\0"), likely(b"\0i\0d"), likely(b"\xc5se")),
            ("utf-16le", "utf-16be", "windows-1252")
        );
    }
}
