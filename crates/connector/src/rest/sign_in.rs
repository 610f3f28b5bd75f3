//! A person's sign-in: the authorization code grant (RFC 6749, section 4.1) with PKCE (RFC 7636),
//! coming back to an address of this machine (RFC 8252). This makes the address to open and
//! exchanges the code; opening it and waiting for the answer is the caller's.

use std::sync::PoisonError;

use percent_encoding::percent_decode_str;
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

use super::connected::Rest;
use super::jwt::claim_of;
use super::template::{percent_encoded, render};
use super::tokens::{fingerprint, refreshes};
use crate::Trouble;
use crate::coding::base64_url;
use crate::vault::random;

/// A sign-in under way.
pub struct SigningIn {
    /// What a person opens in a browser.
    pub url: String,
    redirect: String,
    state: String,
    verifier: String,
}

impl SigningIn {
    /// What the address to which the browser comes back holds, if it belongs to this sign-in.
    pub fn mark(&self) -> String {
        format!("state={}", self.state)
    }
}

impl Rest {
    /// Whether a person signs in to it, so that it works for that person.
    pub fn signs_in(&self) -> bool {
        let signed = matches!(self.client.signed(&self.client.main), Ok(Some(_)));
        !signed && self.manifest.auth.token.as_ref().is_some_and(|token| token.sign_in.is_some())
    }

    /// Begins a sign-in that comes back to `redirect`.
    pub fn begin_sign_in(&self, redirect: &str) -> Result<SigningIn, Trouble> {
        let none = || {
            Trouble::Misconfigured(format!(
                "{} is not signed in to by a person",
                self.manifest.title
            ))
        };
        let sign_in = self
            .manifest
            .auth
            .token
            .as_ref()
            .and_then(|token| token.sign_in.as_ref())
            .ok_or_else(none)?;
        let context = self.client.context([]);
        let made = |text: &str| render(text, &context).map_err(Trouble::Misconfigured);
        let state = url_base64(&random::<16>()?);
        let verifier = url_base64(&random::<32>()?);
        let challenge = url_base64(digest(&SHA256, verifier.as_bytes()).as_ref());
        let mut query = vec![
            ("response_type", "code".to_string()),
            ("client_id", made(&sign_in.client)?),
            ("redirect_uri", redirect.to_string()),
            ("state", state.clone()),
            ("code_challenge", challenge),
            ("code_challenge_method", "S256".to_string()),
        ];
        if let Some(scope) = &sign_in.scope {
            query.push(("scope", made(scope)?));
        }
        for (key, value) in &sign_in.query {
            query.push((key.as_str(), made(value)?));
        }
        let query: Vec<String> =
            query.iter().map(|(key, value)| format!("{key}={}", percent_encoded(value))).collect();
        let page = made(&sign_in.authorize)?;
        let url =
            format!("{page}{}{}", if page.contains('?') { '&' } else { '?' }, query.join("&"));
        Ok(SigningIn { url, redirect: redirect.to_string(), state, verifier })
    }

    /// Takes the address to which the browser came back, exchanges its code, and keeps the tokens.
    ///
    /// # Errors
    /// The sign-in was refused, the answer belongs to another one, or the code is not taken.
    pub fn finish_sign_in(&self, signing_in: &SigningIn, came_back: &str) -> Result<(), Trouble> {
        self.covered(self.signed_in(signing_in, came_back))
    }

    /// Settings that the last sign-in told, with their values. They may be secret.
    pub fn told_by_sign_in(&self) -> Vec<(String, String)> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn signed_in(&self, signing_in: &SigningIn, came_back: &str) -> Result<(), Trouble> {
        let query = came_back.split_once('?').map_or(came_back, |(_, query)| query);
        let query = query.split('#').next().unwrap_or_default().trim();
        let field = |name: &str| {
            query
                .split('&')
                .filter_map(|pair| pair.split_once('='))
                .find(|(key, _)| *key == name)
                .map(|(_, v)| decoded(v))
        };
        if field("state").as_deref() != Some(&signing_in.state) {
            return Err(Trouble::Unauthorized(
                "the address does not belong to this sign-in: take the whole one to which the browser came back, of the page opened last"
                    .into(),
            ));
        }
        if let Some(error) = field("error") {
            let why = field("error_description").map(|why| format!(": {why}")).unwrap_or_default();
            return Err(Trouble::Unauthorized(format!(
                "{} did not let you in ({error}{why})",
                self.manifest.title
            )));
        }
        let Some(code) = field("code").filter(|code| !code.is_empty()) else {
            return Err(Trouble::Unauthorized(
                "the address has no code: take the whole one to which the browser came back".into(),
            ));
        };
        let (Some(token), Some(keep)) = (&self.manifest.auth.token, &self.client.keep) else {
            return Err(Trouble::Misconfigured("there is no place to keep tokens in".into()));
        };
        let context = self.client.context([]);
        let mut form = vec![
            ("grant_type", "authorization_code".to_string()),
            ("code", code),
            ("redirect_uri", signing_in.redirect.clone()),
            ("code_verifier", signing_in.verifier.clone()),
        ];
        for (key, value) in token
            .form
            .iter()
            .filter(|(key, _)| !matches!(key.as_str(), "grant_type" | "refresh_token"))
        {
            form.push((key, render(value, &context).map_err(Trouble::Misconfigured)?));
        }
        let given = self.client.ask_for_token(token, &context, &form)?;
        let tells = token.sign_in.iter().flat_map(|page| &page.tells);
        let told = tells.filter_map(|(setting, claim)| {
            Some((setting.clone(), claim_of(given.id_token.as_deref()?, claim)?))
        });
        *self.told.lock().unwrap_or_else(PoisonError::into_inner) = told.collect();
        let setting = at_setting(&context);
        let kept = given.kept(None, Some(fingerprint(&setting)));
        if kept.refresh.is_none() && refreshes(token) {
            return Err(Trouble::Unauthorized(format!(
                "{} gave no refresh token: the application must be allowed to stay signed in (often a scope such as offline_access)",
                self.manifest.title
            )));
        }
        let _alone = keep.vault.lock()?;
        keep.vault.write(&keep.system, &kept)
    }
}

fn at_setting(context: &Value) -> String {
    context.get("refresh_token").unwrap_or(&json!("")).as_str().unwrap_or_default().to_string()
}

/// RFC 4648, section 5, without padding, as RFC 7636 wants it.
fn url_base64(bytes: &[u8]) -> String {
    base64_url(bytes)
}

/// A form's encoding of a value.
fn decoded(text: &str) -> String {
    percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_is_that_of_rfc_7636() {
        // Appendix B.
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(
            url_base64(digest(&SHA256, verifier.as_bytes()).as_ref()),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
        assert_eq!(decoded("a%2Bb+c%zz"), "a+b c%zz");
    }
}
