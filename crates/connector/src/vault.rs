//! Tokens at rest: what a sign-in gave and what its renewals gave since, in an encrypted file beside the store.
//!
//! A refresh token that a system replaces each time it is used exists nowhere but here, so it is on the disk before it is used. The file
//! is an object of systems; each entry is sealed by itself with ChaCha20-Poly1305 (RFC 8439) under a key of its own, derived from the
//! vault's key and a random salt with HKDF (RFC 5869), with the system's name as associated data: entries can't be swapped. The vault's
//! key comes from the environment variable `LOCKSTEP_KEY`, or from a file that is made when it is first needed and that only its owner
//! can read. A lock file lets one process at a time change it: two that renew at once would each make the other's token void.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, Salt};
use ring::rand::{SecureRandom, SystemRandom};
use serde::{Deserialize, Serialize};

use crate::Trouble;

/// The environment variable that holds the key, where it is not in a file.
pub const KEY_VARIABLE: &str = "LOCKSTEP_KEY";
/// A key in the environment is at least so many characters long.
const KEY_CHARS: usize = 32;
const SALT: usize = 32;

/// What is kept of one sign-in. Its `Debug` shows no token.
#[derive(Clone, Default, Deserialize, PartialEq, Eq, Serialize)]
pub struct Kept {
    pub access: Option<String>,
    /// When the access token ends, in milliseconds since 1970, by this machine's clock.
    pub until_ms: Option<i64>,
    pub refresh: Option<String>,
    /// Tells whether the refresh token in the project's settings is still the one that was there when this was kept: a new one there is
    /// taken instead.
    pub setting: Option<String>,
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Kept {{ access: {}, refresh: {} }}", self.access.is_some(), self.refresh.is_some())
    }
}

/// One system's place in a vault.
#[derive(Clone)]
pub struct Keep {
    pub vault: Arc<Vault>,
    /// The system's name in the project.
    pub system: String,
}

/// The file of tokens, and where its key is.
pub struct Vault {
    file: PathBuf,
    key_file: PathBuf,
    /// From the environment.
    given: Option<String>,
}

#[derive(Default, Deserialize, Serialize)]
struct Written {
    version: u32,
    systems: BTreeMap<String, String>,
}

impl Vault {
    /// The vault beside a store: `lockstep.db` has `lockstep.tokens`, and the key is `lockstep.key` unless `given` is one. Nothing is
    /// read or made yet.
    pub fn beside(store: &Path, given: Option<String>) -> Vault {
        let given = given.filter(|key| !key.is_empty());
        Vault { file: store.with_extension("tokens"), key_file: store.with_extension("key"), given }
    }

    /// What is kept of a system; `None` if nothing is.
    ///
    /// # Errors
    /// The key is not the one that it was kept with, or a file can't be read: says which, and what to do.
    pub fn read(&self, system: &str) -> Result<Option<Kept>, Trouble> {
        let Some(sealed) = self.written()?.systems.remove(system) else { return Ok(None) };
        let Some(key) = self.key(false)? else {
            return Err(Trouble::Misconfigured(format!(
                "the tokens of {system} are kept in {}, but their key is gone: put {} back, or run `lockstep connect {system}`",
                self.file.display(),
                self.key_file.display()
            )));
        };
        let opened = unhex(&sealed).and_then(|sealed| open(&key, system, sealed));
        let kept = opened.and_then(|plain| serde_json::from_slice(&plain).ok());
        kept.map(Some).ok_or_else(|| {
            let from = if self.given.is_some() { KEY_VARIABLE.to_string() } else { self.key_file.display().to_string() };
            Trouble::Misconfigured(format!(
                "the tokens of {system} in {} can't be opened with the key of {from}: they were kept with another, or the file is damaged. \
                 Put the right key there, or run `lockstep connect {system}` to sign in anew",
                self.file.display()
            ))
        })
    }

    /// Keeps what a system gave, in place of what was kept of it. It is on the disk when this returns.
    pub fn write(&self, system: &str, kept: &Kept) -> Result<(), Trouble> {
        let Some(key) = self.key(true)? else { return Err(Trouble::Misconfigured("there is no key for the tokens".into())) };
        let mut written = self.written()?;
        written.version = 1;
        let plain = serde_json::to_vec(kept).unwrap_or_default();
        written.systems.insert(system.to_string(), hex(&seal(&key, system, plain)?));
        let text = serde_json::to_string_pretty(&written).unwrap_or_default() + "\n";
        let fresh = self.file.with_extension("tokens.new");
        let put = || -> std::io::Result<()> {
            let mut file = private(OpenOptions::new().write(true).create(true).truncate(true)).open(&fresh)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            std::fs::rename(&fresh, &self.file)
        };
        put().map_err(|error| self.unwritable(&self.file, &error))
    }

    /// Until what this gives is dropped, no other process renews a token of this vault.
    pub fn lock(&self) -> Result<File, Trouble> {
        let path = self.file.with_extension("tokens.lock");
        let locked = || -> std::io::Result<File> {
            let file = private(OpenOptions::new().write(true).create(true).truncate(false)).open(&path)?;
            file.lock()?;
            Ok(file)
        };
        locked().map_err(|error| self.unwritable(&path, &error))
    }

    fn written(&self) -> Result<Written, Trouble> {
        match std::fs::read_to_string(&self.file) {
            Ok(text) => serde_json::from_str(&text).map_err(|error| {
                Trouble::Misconfigured(format!(
                    "{} is damaged ({error}): delete it, then run `lockstep connect` for each system that was signed in",
                    self.file.display()
                ))
            }),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Written::default()),
            Err(error) => Err(Trouble::Misconfigured(format!("{}: {error}", self.file.display()))),
        }
    }

    /// The key; made if there is none and it is `needed`.
    fn key(&self, needed: bool) -> Result<Option<Vec<u8>>, Trouble> {
        if let Some(given) = &self.given {
            if given.chars().count() < KEY_CHARS {
                return Err(Trouble::Misconfigured(format!(
                    "the key in {KEY_VARIABLE} is too short: it needs {KEY_CHARS} characters or more, as `openssl rand -hex 32` makes them"
                )));
            }
            return Ok(Some(given.as_bytes().to_vec()));
        }
        match std::fs::read_to_string(&self.key_file) {
            Ok(text) if text.trim().len() >= KEY_CHARS => return Ok(Some(text.trim().as_bytes().to_vec())),
            Ok(_) => {
                return Err(Trouble::Misconfigured(format!(
                    "{} holds no key: put the right one back, or delete it and sign in anew with `lockstep connect`",
                    self.key_file.display()
                )));
            }
            Err(error) if error.kind() == ErrorKind::NotFound && needed => {}
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Trouble::Misconfigured(format!("{}: {error}", self.key_file.display()))),
        }
        let key = hex(&random::<32>()?);
        let put = || -> std::io::Result<()> {
            let mut file = private(OpenOptions::new().write(true).create_new(true)).open(&self.key_file)?;
            file.write_all(format!("{key}\n").as_bytes())?;
            file.sync_all()
        };
        match put() {
            Ok(()) => Ok(Some(key.into_bytes())),
            // Another process made it a moment ago.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => self.key(false),
            Err(error) => Err(self.unwritable(&self.key_file, &error)),
        }
    }

    fn unwritable(&self, path: &Path, error: &std::io::Error) -> Trouble {
        Trouble::Misconfigured(format!(
            "tokens can't be kept in {}: {error}; the folder of the store must be writable",
            path.display()
        ))
    }
}

/// Readable by its owner only.
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// Random bytes, for keys, states and verifiers.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Trouble> {
    let mut bytes = [0; N];
    SystemRandom::new()
        .fill(&mut bytes)
        .map_err(|_| Trouble::Misconfigured("this machine gives no random numbers; nothing can be kept secret on it".into()))?;
    Ok(bytes)
}

fn sealing_key(key: &[u8], salt: &[u8]) -> Option<LessSafeKey> {
    let secret = Salt::new(HKDF_SHA256, salt).extract(key);
    let derived = secret.expand(&[b"lockstep tokens 1"], &CHACHA20_POLY1305).ok()?;
    Some(LessSafeKey::new(UnboundKey::from(derived)))
}

/// Salt, nonce, what is sealed.
fn seal(key: &[u8], system: &str, mut plain: Vec<u8>) -> Result<Vec<u8>, Trouble> {
    let (salt, nonce) = (random::<SALT>()?, random::<NONCE_LEN>()?);
    let wrong = || Trouble::Misconfigured("the tokens can't be encrypted".into());
    let sealing = sealing_key(key, &salt).ok_or_else(wrong)?;
    let aad = Aad::from(system.as_bytes());
    sealing.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut plain).map_err(|_| wrong())?;
    Ok([&salt[..], &nonce[..], &plain[..]].concat())
}

fn open(key: &[u8], system: &str, mut sealed: Vec<u8>) -> Option<Vec<u8>> {
    let mut rest = sealed.split_off(SALT.min(sealed.len()));
    let mut text = rest.split_off(NONCE_LEN.min(rest.len()));
    let nonce = Nonce::try_assume_unique_for_key(&rest).ok()?;
    let opening = sealing_key(key, &sealed)?;
    opening.open_in_place(nonce, Aad::from(system.as_bytes()), &mut text).ok().map(|plain| plain.to_vec())
}

/// Two digits a byte.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Undoes [`hex`].
pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    let text = text.trim();
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(refresh: &str) -> Kept {
        Kept { access: Some("a-secret".into()), until_ms: Some(7), refresh: Some(refresh.into()), setting: None }
    }

    #[test]
    fn what_is_kept_is_read_back_and_can_t_be_read_in_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let vault = Vault::beside(&dir.path().join("lockstep.db"), None);
        assert_eq!(vault.read("crm").unwrap(), None);
        vault.write("crm", &kept("r-secret")).unwrap();
        vault.write("shop", &kept("other")).unwrap();
        assert_eq!(vault.read("crm").unwrap(), Some(kept("r-secret")));
        assert_eq!(vault.read("shop").unwrap(), Some(kept("other")));
        let text = std::fs::read_to_string(dir.path().join("lockstep.tokens")).unwrap();
        assert!(text.contains("crm") && !text.contains("secret"), "{text}");
        assert!(!format!("{:?}", kept("r-secret")).contains("secret"));
        #[cfg(unix)]
        for name in ["lockstep.tokens", "lockstep.key"] {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(dir.path().join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }

    #[test]
    fn another_key_or_a_swapped_entry_is_told_with_the_remedy() {
        let dir = tempfile::tempdir().unwrap();
        let store = dir.path().join("lockstep.db");
        let with = |key: &str| Vault::beside(&store, Some(key.repeat(32)));
        with("a").write("crm", &kept("r")).unwrap();
        assert_eq!(with("a").read("crm").unwrap(), Some(kept("r")));
        let told = with("b").read("crm").unwrap_err().to_string();
        assert!(told.contains("LOCKSTEP_KEY") && told.contains("`lockstep connect crm`"), "{told}");
        assert!(Vault::beside(&store, Some("short".into())).read("crm").unwrap_err().to_string().contains("too short"));
        let file = dir.path().join("lockstep.tokens");
        let text = std::fs::read_to_string(&file).unwrap().replace("\"crm\"", "\"shop\"");
        std::fs::write(&file, text).unwrap();
        assert!(with("a").read("shop").is_err(), "an entry belongs to the system that it was sealed for");
        std::fs::write(&file, "{\"version\":1,\"systems\":{\"crm\":\"00ff\"}}").unwrap();
        assert!(with("a").read("crm").unwrap_err().to_string().contains("damaged"));
    }
}
