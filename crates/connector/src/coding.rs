//! Base64 (RFC 4648), as systems write it and as they expect it.

use base64::Engine as _;
use base64::alphabet::Alphabet;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// RFC 4648, section 4: with padding.
pub fn base64(bytes: impl AsRef<[u8]>) -> String {
    STANDARD.encode(bytes)
}

/// RFC 4648, section 5: for addresses, without padding.
pub fn base64_url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// RFC 4648, sections 4 and 5. White space is passed over, padding may be left out.
pub fn unbase64(text: &str, alphabet: &Alphabet) -> Option<Vec<u8>> {
    let padded = DecodePaddingMode::Indifferent;
    let lenient = GeneralPurposeConfig::new()
        .with_decode_padding_mode(padded)
        .with_decode_allow_trailing_bits(true);
    let written: String = text.split_ascii_whitespace().collect();
    GeneralPurpose::new(alphabet, lenient).decode(written).ok()
}

#[cfg(test)]
mod tests {
    use base64::alphabet::{STANDARD, URL_SAFE};

    use super::unbase64;

    #[test]
    fn base64_is_read_in_both_alphabets() {
        assert_eq!(unbase64("Zm9v\nYmE=", &STANDARD).as_deref(), Some(&b"fooba"[..]));
        assert_eq!(unbase64("-_8", &URL_SAFE).as_deref(), Some(&[0xfb, 0xff][..]));
        assert_eq!(unbase64("a b!", &STANDARD), None);
    }
}
