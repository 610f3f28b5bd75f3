//! Base64 (RFC 4648), for `Authorization: Basic`, opaque cursors and signatures.

use ::base64::Engine as _;
use ::base64::alphabet::STANDARD as ALPHABET;
use ::base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ::base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Encodes with padding.
pub fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Encodes in the URL alphabet, without padding.
pub fn encode_for_url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Decodes with or without padding, in the standard or the URL alphabet; `None` for anything else.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let padded = DecodePaddingMode::Indifferent;
    let lenient = GeneralPurposeConfig::new()
        .with_decode_padding_mode(padded)
        .with_decode_allow_trailing_bits(true);
    GeneralPurpose::new(&ALPHABET, lenient).decode(text.replace('-', "+").replace('_', "/")).ok()
}
