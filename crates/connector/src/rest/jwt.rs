//! JSON web tokens: made to be let in, signed with HMAC or RSA ([`made`]); and checked, as systems
//! sign their calls with them ([`verified`]): RS256 (RFC 7515; RFC 7518, section 3.3) and nothing
//! else. Which algorithm is taken is decided here and never by the token (RFC 8725, section 3.1):
//! one that says `none`, or that was made with the public key as if it were a shared secret, is
//! refused.

use base64::alphabet::{STANDARD, URL_SAFE};
use lockstep_model::Timestamp;
use ring::hmac;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::{Map, Value};

use super::rsa::sign;
use super::template::{render, render_value};
use super::written::{Algorithm, Jwt, KeyEncoding};
use crate::coding::{base64_url, unbase64};
use crate::vault::unhex;

/// Default lifetime of the web tokens made here, in seconds.
pub const LIVES_S: u64 = 300;
/// Tolerated clock skew, in seconds.
const SKEW_S: i64 = 60;
/// The object identifier rsaEncryption (RFC 8017, appendix C).
const RSA: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const SEQUENCE: u8 = 0x30;
const OBJECT: u8 = 0x06;
const BITS: u8 = 0x03;

/// The claims of a token that was signed with this key and is good now, and its signature, which
/// tells it apart from others.
///
/// # Errors
/// Why it proves nothing.
pub fn verified(
    key: &str,
    token: &[u8],
    now: Timestamp,
    max_age_s: i64,
) -> Result<(Vec<u8>, Value), String> {
    let form = || "the call is no signed web token".to_string();
    let token = std::str::from_utf8(token).map_err(|_| form())?.trim().trim_matches('"');
    let (signed, signature) = token.rsplit_once('.').ok_or_else(form)?;
    let (header, claims) = signed.split_once('.').ok_or_else(form)?;
    let header = json(header).ok_or_else(form)?;
    if header["alg"] != "RS256" || header.get("crit").is_some() {
        return Err("the call is signed in another way than RS256".into());
    }
    let proof = unbase64(signature, &URL_SAFE).ok_or_else(form)?;
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public_key(key)?);
    key.verify(signed.as_bytes(), &proof)
        .map_err(|_| "the call's signature is wrong".to_string())?;
    let claims = json(claims).ok_or_else(form)?;
    let (now, time) =
        (now.0.div_euclid(1000), |name: &str| claims[name].as_f64().map(|seconds| seconds as i64));
    match (time("exp"), time("iat")) {
        (Some(end), _) if now > end.saturating_add(SKEW_S) => Err("the call is too old".into()),
        (None, Some(made)) if (now - made).abs() > max_age_s => Err("the call is too old".into()),
        (None, None) => Err("the call does not tell its time".into()),
        _ => Ok((proof, claims)),
    }
}

/// A signed token (RFC 7515, section 3.1), with `iat` and `exp` where the claims do not say them.
///
/// # Errors
/// What is wrong with the key or a template.
pub fn made(how: &Jwt, context: &Value, now_s: i64) -> Result<String, String> {
    let mut header = Map::from_iter([
        ("alg".into(), format!("{:?}", how.algorithm).into()),
        ("typ".into(), "JWT".into()),
    ]);
    let mut claims = Map::new();
    for (told, into) in [(&how.header, &mut header), (&how.claims, &mut claims)] {
        for (key, value) in told {
            let value = render_value(value, context)?;
            if !value.is_null() {
                into.insert(key.clone(), value);
            }
        }
    }
    let lives = i64::try_from(how.lives_s.unwrap_or(LIVES_S)).unwrap_or(i64::MAX);
    claims.entry("iat").or_insert_with(|| now_s.into());
    claims.entry("exp").or_insert_with(|| now_s.saturating_add(lives).into());
    let signed = format!("{}.{}", coded(&Value::Object(header)), coded(&Value::Object(claims)));
    let key = render(&how.key, context)?;
    let proof = match how.algorithm {
        Algorithm::HS256 => shared(hmac::HMAC_SHA256, how, &key, &signed)?,
        Algorithm::HS384 => shared(hmac::HMAC_SHA384, how, &key, &signed)?,
        Algorithm::HS512 => shared(hmac::HMAC_SHA512, how, &key, &signed)?,
        Algorithm::RS256 => sign(&key, signed.as_bytes())?,
    };
    Ok(format!("{signed}.{}", base64_url(proof)))
}

fn shared(
    algorithm: hmac::Algorithm,
    how: &Jwt,
    key: &str,
    signed: &str,
) -> Result<Vec<u8>, String> {
    let key = match how.key_encoding {
        KeyEncoding::Text => Some(key.as_bytes().to_vec()),
        KeyEncoding::Hex => unhex(key.trim()),
        KeyEncoding::Base64 => unbase64(key, &STANDARD).or_else(|| unbase64(key, &URL_SAFE)),
    };
    let key = key.filter(|key| !key.is_empty()).ok_or(match how.key_encoding {
        KeyEncoding::Text => "is empty",
        KeyEncoding::Hex => "is not written in hexadecimal digits, as `key-encoding: hex` says",
        KeyEncoding::Base64 => "is not written in base64, as `key-encoding: base64` says",
    })?;
    Ok(hmac::sign(&hmac::Key::new(algorithm, &key), signed.as_bytes()).as_ref().to_vec())
}

fn coded(value: &Value) -> String {
    base64_url(value.to_string())
}

fn json(part: &str) -> Option<Value> {
    serde_json::from_slice(&unbase64(part, &URL_SAFE)?).ok()
}

/// The RSA public key of a PEM (RFC 7468) as `ring` takes it, also where its line ends were lost on
/// the way through an environment variable.
fn public_key(pem: &str) -> Result<Vec<u8>, String> {
    let wrong = || {
        "the public key in the settings is expected as PEM: it begins with -----BEGIN PUBLIC KEY-----".to_string()
    };
    let pem = pem.replace("\\n", "\n");
    let (label, rest) = pem
        .trim()
        .strip_prefix("-----BEGIN ")
        .and_then(|rest| rest.split_once("-----"))
        .ok_or_else(wrong)?;
    let der = rest
        .split_once("-----END")
        .and_then(|(body, _)| unbase64(body, &STANDARD))
        .ok_or_else(wrong)?;
    match label {
        "RSA PUBLIC KEY" => Ok(der),
        "PUBLIC KEY" => inner_key(&der).ok_or_else(wrong),
        _ => Err(wrong()),
    }
}

/// A SubjectPublicKeyInfo (RFC 5280, section 4.1) holds the key in a bit string, after what kind of
/// key it is.
fn inner_key(der: &[u8]) -> Option<Vec<u8>> {
    let (whole, _) = element(der, SEQUENCE)?;
    let (kind, rest) = element(whole, SEQUENCE)?;
    let (object, _) = element(kind, OBJECT)?;
    let (bits, _) = element(rest, BITS)?;
    // The first byte tells how many bits of the last one are not used.
    (object == RSA && bits.first() == Some(&0)).then(|| bits[1..].to_vec())
}

/// The content of the element with which this begins, and what comes after it (X.690, section 8.1).
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&first, rest) = der.split_first()?;
    let (&length, rest) = rest.split_first()?;
    let (length, rest) = match length {
        0..=0x7f => (usize::from(length), rest),
        0x81 => (usize::from(*rest.first()?), rest.get(1..)?),
        0x82 => (usize::from(*rest.first()?) << 8 | usize::from(*rest.get(1)?), rest.get(2..)?),
        _ => return None,
    };
    (first == tag && rest.len() >= length).then(|| rest.split_at(length))
}

/// A claim of a JSON web token (RFC 7519), by its name or the last part of it. It comes from the
/// system over TLS, which vouches for it.
pub fn claim_of(token: &str, claim: &str) -> Option<String> {
    let body = unbase64(token.split('.').nth(1)?, &URL_SAFE)?;
    let claims: Map<String, Value> = serde_json::from_slice(&body).ok()?;
    let ends = |name: &str| name.rsplit('/').next() == Some(claim);
    claims
        .get(claim)
        .or_else(|| claims.iter().find(|(name, _)| ends(name)).map(|(_, v)| v))?
        .as_str()
        .map(str::to_string)
}

#[cfg(test)]
mod tests {
    use super::claim_of;
    use crate::coding::base64;

    #[test]
    fn a_claim_is_found_by_the_last_part_of_its_name() {
        let body =
            base64(br#"{"http://schemes.example.com/identity/ticket":"7T:abc"}"#).replace('=', "");
        assert_eq!(claim_of(&format!("x.{body}.y"), "ticket").as_deref(), Some("7T:abc"));
        assert_eq!(claim_of(&format!("x.{body}.y"), "user"), None);
    }
}
