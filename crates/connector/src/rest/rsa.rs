//! Signing with a private RSA key, in the forms in which vendors hand keys out.

use base64::alphabet::STANDARD;
use ring::rsa::{KeyPairComponents, PublicKeyComponents};
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};

use crate::coding::unbase64;

/// RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017, section 8.2).
pub(super) fn sign(key: &str, text: &[u8]) -> Result<Vec<u8>, String> {
    let pair = private_key(key)?;
    let mut signature = vec![0; pair.public().modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &ring::rand::SystemRandom::new(), text, &mut signature)
        .map_err(|_| "can't sign on this machine".to_string())?;
    Ok(signature)
}

/// From PEM (RFC 7468), also where its line ends were lost on the way through an environment
/// variable; or from the XML of .NET, as some vendors hand keys out.
fn private_key(pem: &str) -> Result<RsaKeyPair, String> {
    let form = "is expected as PEM, which begins with -----BEGIN PRIVATE KEY----- or -----BEGIN RSA PRIVATE KEY-----, or as XML, which begins with <RSAKeyValue>";
    if pem.contains("<RSAKeyValue>") {
        return xml_key(pem);
    }
    let pem = pem.replace("\\n", "\n");
    let (label, rest) = pem
        .trim()
        .strip_prefix("-----BEGIN ")
        .and_then(|rest| rest.split_once("-----"))
        .ok_or(form)?;
    let (body, _) = rest.split_once("-----END").ok_or("is cut off: it has no -----END line")?;
    let der = unbase64(body, &STANDARD).ok_or("is damaged: its text is not base64")?;
    let read = match label {
        "PRIVATE KEY" => RsaKeyPair::from_pkcs8(&der),
        "RSA PRIVATE KEY" => RsaKeyPair::from_der(&der),
        _ => return Err(form.into()),
    };
    read.map_err(|why| format!("can't be used ({why}): {LARGE_ENOUGH}"))
}

const LARGE_ENOUGH: &str = "an RSA key of 2048 bits or more is expected";

/// RFC 4050 has the form for public keys (`RSAKeyValue`); .NET writes the private parts beside
/// them.
fn xml_key(xml: &str) -> Result<RsaKeyPair, String> {
    let part = |name: &str| -> Result<Vec<u8>, String> {
        let (_, rest) = xml.split_once(&format!("<{name}>")).ok_or_else(|| match name {
            "Modulus" | "Exponent" => format!("is damaged: its XML has no <{name}>"),
            _ => format!("is only the public half: its XML has no <{name}>"),
        })?;
        let (text, _) = rest
            .split_once(&format!("</{name}>"))
            .ok_or_else(|| format!("is cut off within <{name}>"))?;
        let bytes = unbase64(text, &STANDARD)
            .ok_or_else(|| format!("is damaged: <{name}> is not base64"))?;
        // Numbers are written in so many bytes as they may have.
        Ok(bytes.into_iter().skip_while(|byte| *byte == 0).collect())
    };
    let key = KeyPairComponents {
        public_key: PublicKeyComponents { n: part("Modulus")?, e: part("Exponent")? },
        d: part("D")?,
        p: part("P")?,
        q: part("Q")?,
        dP: part("DP")?,
        dQ: part("DQ")?,
        qInv: part("InverseQ")?,
    };
    RsaKeyPair::from_components(&key)
        .map_err(|why| format!("can't be used ({why}): {LARGE_ENOUGH}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_holds_for_its_text_only() {
        let pem = include_str!("../../tests/key.pem");
        let public = private_key(pem).unwrap().public().as_ref().to_vec();
        let verifier = ring::signature::UnparsedPublicKey::new(
            &ring::signature::RSA_PKCS1_2048_8192_SHA256,
            public,
        );
        // As it comes out of an environment variable, on one line.
        let signature = sign(&pem.replace('\n', "\\n"), b"token.202611211030").unwrap();
        assert!(verifier.verify(b"token.202611211030", &signature).is_ok());
        assert!(verifier.verify(b"token.202611211031", &signature).is_err());
    }

    #[test]
    fn a_key_in_xml_is_the_same_key() {
        let (pem, xml) = (include_str!("../../tests/key.pem"), include_str!("../../tests/key.xml"));
        let modulus = |key: &str| private_key(key).unwrap().public().as_ref().to_vec();
        assert_eq!(modulus(xml), modulus(pem));
        assert_eq!(modulus(&xml.replace('\n', "")), modulus(pem));
        // It is for PKCS #1 v1.5, so that the same text has the same signature.
        assert_eq!(sign(xml, b"token").unwrap(), sign(pem, b"token").unwrap());
        let public = format!("{}</RSAKeyValue>", xml.split("<P>").next().unwrap());
        assert!(sign(&public, b"token").unwrap_err().contains("only the public half"));
    }

    #[test]
    fn what_is_no_key_is_told_and_not_shown() {
        for wrong in [
            "<RSAKeyValue>s3cret</RSAKeyValue>",
            "-----BEGIN PRIVATE KEY-----\ns3cret",
            "-----BEGIN PRIVATE KEY-----\ns3==-----END",
        ] {
            let told = sign(wrong, b"x").unwrap_err();
            assert!(!told.contains("s3cret"), "{told}");
        }
    }
}
